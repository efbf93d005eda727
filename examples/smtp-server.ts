// SMTP server with STARTTLS: takes mail and prints it. Arguments: host, port, files of certificate and key (PEM).
import { readFileSync } from "node:fs";
import { argv } from "node:process";
import { LineTooLongError, startServer, type StreamReader, type StreamWriter } from "asyncio-streams";

const [host = "127.0.0.1", port = "2525", certFile, keyFile] = argv.slice(2);
if (certFile === undefined || keyFile === undefined) {
  console.error("usage: smtp-server HOST PORT CERTIFICATE KEY");
  process.exit(2);
}
const tls = { cert: readFileSync(certFile), key: readFileSync(keyFile) };

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

  async run(): Promise<void> {
    await this.#answer("220 example.test ESMTP");
    for (let isOpen = true; isOpen;) {
      const line = await this.#reader.readLine();
      if (line.length === 0) return;
      const [verb = "", ...rest] = line.toString("latin1").trim().split(" ");
      isOpen = await this.#command(verb.toUpperCase(), rest.join(" "));
    }
  }

  /** False at the end of the conversation. */
  async #command(verb: string, argument: string): Promise<boolean> {
    switch (verb) {
      case "EHLO":
        this.#reset();
        await this.#answer("250-example.test", ...(this.#isSecure ? [] : ["250-STARTTLS"]), "250 8BITMIME");
        return true;
      case "HELO":
      case "RSET":
      case "NOOP":
        if (verb !== "NOOP") this.#reset();
        await this.#answer("250 OK");
        return true;
      case "STARTTLS":
        await this.#startTls();
        return true;
      case "MAIL":
        this.#sender = addressIn(argument, "FROM");
        await this.#answer(this.#sender === undefined ? "501 MAIL FROM:<address>" : "250 OK");
        return true;
      case "RCPT":
        await this.#recipient(addressIn(argument, "TO"));
        return true;
      case "DATA":
        await this.#data();
        return true;
      case "QUIT":
        await this.#answer("221 Bye");
        return false;
      default:
        await this.#answer("500 Unknown command");
        return true;
    }
  }

  /** What a client has sent behind the command came in the clear: it fails the upgrade, and nothing of it is obeyed. */
  async #startTls(): Promise<void> {
    if (this.#isSecure) return this.#answer("503 TLS is on already");
    await this.#answer("220 Go ahead");
    await this.#writer.startTls(tls);
    this.#isSecure = true;
    this.#reset();
    console.log(
      `TLS: ${this.#writer.getExtraInfo("tlsVersion")}, ${this.#writer.getExtraInfo("cipher")?.name}`,
    );
  }

  async #recipient(address: string | undefined): Promise<void> {
    if (this.#sender === undefined) return this.#answer("503 MAIL first");
    if (address === undefined) return this.#answer("501 RCPT TO:<address>");
    this.#recipients.push(address);
    return this.#answer("250 OK");
  }

  async #data(): Promise<void> {
    if (this.#recipients.length === 0) return this.#answer("503 RCPT first");
    await this.#answer("354 End with a dot on a line of its own");
    const lines: string[] = [];
    for await (const line of this.#reader) {
      const text = line.toString("latin1").replace(/\r?\n$/, "");
      if (text === ".") break;
      lines.push(text.startsWith(".") ? text.slice(1) : text);
    }
    console.log(`Mail from ${this.#sender} to ${this.#recipients.join(", ")}: ${lines.length} lines`);
    this.#reset();
    return this.#answer("250 Taken");
  }

  #reset(): void {
    this.#sender = undefined;
    this.#recipients = [];
  }

  async #answer(...lines: string[]): Promise<void> {
    this.#writer.writeLines(lines.map((line) => `${line}\r\n`));
    await this.#writer.drain();
  }
}

function addressIn(argument: string, keyword: string): string | undefined {
  return new RegExp(`^${keyword}:\\s*<([^<>\\s]*)>`, "i").exec(argument)?.[1];
}

const server = await startServer((reader, writer) => new Session(reader, writer).run(), host, port, {
  limit: 4096,
  onError: (error) =>
    console.log(
      `Conversation ended: ${error instanceof LineTooLongError ? "a line is too long" : String(error)}`,
    ),
});
console.log(`Serving on ${server.sockets.map((socket) => JSON.stringify(socket.getsockname())).join(", ")}`);
await server.serveForever();
