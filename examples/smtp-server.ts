// SMTP server with STARTTLS: takes mail and prints it. Arguments: host, port, files of certificate and key (PEM).
import { readFileSync } from "node:fs";
import { argv, exit } from "node:process";
import { createSecureContext } from "node:tls";
import { IncompleteReadError, LimitOverrunError, startServer } from "asyncio-streams";
import type { StreamReader, StreamWriter } from "asyncio-streams";

/** What a client may make this server keep: bytes of a line and of a mail, and recipients. */
const MAX_LINE = 4096;
const MAX_MAIL = 1_048_576;
const MAX_RECIPIENTS = 100;

const [host = "127.0.0.1", port = "2525", certFile, keyFile] = argv.slice(2);
if (certFile === undefined || keyFile === undefined) {
  console.error("usage: smtp-server HOST PORT CERTIFICATE KEY");
  exit(2);
}
const identity = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
const tls = { secureContext: createSecureContext(identity) };

/** One conversation: a line in, an answer out. */
class Session {
  readonly #reader: StreamReader;
  readonly #writer: StreamWriter;
  #isSecure = false;
  #sender: string | undefined;
  #recipients: string[] = [];

  constructor(reader: StreamReader, writer: StreamWriter) {
    this.#reader = reader;
    this.#writer = writer;
  }

  /** The connection is closed when this ends. */
  async run(): Promise<void> {
    await this.#say("220 example.test ESMTP");
    try {
      for (let line = await this.#line(); line !== undefined; line = await this.#line()) {
        const [verb = "", ...rest] = line.trim().split(" ");
        const answer = await this.#obey(verb.toUpperCase(), rest.join(" "));
        if (answer !== undefined) await this.#say(answer);
        if (answer?.startsWith("221")) return;
      }
    } catch (error) {
      if (!(error instanceof LimitOverrunError)) throw error;
      await this.#say("500 Line too long");
    }
  }

  /** Does what a command wants, and gives the answer to it. */
  async #obey(verb: string, argument: string): Promise<string | undefined> {
    switch (verb) {
      case "EHLO":
        this.#reset();
        return this.#isSecure ? "250 example.test" : "250-example.test\r\n250 STARTTLS";
      case "HELO":
      case "RSET":
        this.#reset();
        return "250 OK";
      case "NOOP":
        return "250 OK";
      case "STARTTLS":
        return this.#isSecure ? "503 TLS is on already" : this.#startTls();
      case "MAIL":
        this.#reset();
        this.#sender = addressIn(argument, "FROM");
        return this.#sender === undefined ? "501 MAIL FROM:<address>" : "250 OK";
      case "RCPT":
        return this.#addRecipient(addressIn(argument, "TO"));
      case "DATA":
        return this.#recipients.length === 0 ? "503 RCPT first" : this.#takeMail();
      case "QUIT":
        return "221 Bye";
      default:
        return "500 Unknown command";
    }
  }

  /**
   * What was said in the clear does not count any more. What the client, or somebody between, has sent behind the
   * command goes to the TLS engine and fails the handshake: `startTls` rejects, and the connection ends.
   */
  async #startTls(): Promise<undefined> {
    await this.#say("220 Go ahead");
    await this.#writer.startTls(tls);
    this.#isSecure = true;
    this.#reset();
    const [version, cipher] = [this.#writer.getExtraInfo("tlsVersion"), this.#writer.getExtraInfo("cipher")];
    console.log(`TLS: ${version}, ${cipher?.name}`);
  }

  #addRecipient(address: string | undefined): string {
    if (this.#sender === undefined) return "503 MAIL first";
    if (!address) return "501 RCPT TO:<address>";
    if (this.#recipients.length === MAX_RECIPIENTS) return "452 Too many recipients";
    this.#recipients.push(address);
    return "250 OK";
  }

  /** A mail ends with a dot on a line of its own. A client that goes before has not sent one. */
  async #takeMail(): Promise<string | undefined> {
    await this.#say("354 End with a dot on a line of its own");
    const lines: string[] = [];
    let size = 0;
    for (let line = await this.#line(); line !== "."; line = await this.#line()) {
      if (line === undefined) return undefined;
      size += line.length + 2;
      // The client puts a dot before each line that begins with one.
      if (size <= MAX_MAIL) lines.push(line.startsWith(".") ? line.slice(1) : line);
    }
    if (size > MAX_MAIL) return "552 Too much mail";
    console.log(`Mail from <${this.#sender}> to <${this.#recipients.join(">, <")}>:`);
    for (const line of lines) console.log(`| ${line}`);
    this.#reset();
    return "250 Taken";
  }

  #reset(): void {
    this.#sender = undefined;
    this.#recipients = [];
  }

  /** A line without its CR LF, or `undefined` at the end. LF alone ends none: where it does, a mail can hide another. */
  async #line(): Promise<string | undefined> {
    try {
      return (await this.#reader.readUntil("\r\n")).toString().slice(0, -2);
    } catch (error) {
      if (error instanceof IncompleteReadError) return undefined;
      throw error;
    }
  }

  async #say(answer: string): Promise<void> {
    this.#writer.write(`${answer}\r\n`);
    await this.#writer.drain();
  }
}

function addressIn(argument: string, keyword: string): string | undefined {
  return new RegExp(`^${keyword}:\\s*<([^<>\\s]*)>`, "i").exec(argument)?.[1];
}

const server = await startServer((reader, writer) => new Session(reader, writer).run(), host, port, {
  limit: MAX_LINE,
  onError: (error) => console.log(`Conversation ended: ${String(error).trim()}`),
});
console.log(`Serving on ${server.sockets.map((socket) => JSON.stringify(socket.getsockname())).join(", ")}`);
await server.serveForever();
