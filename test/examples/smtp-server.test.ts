import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openConnection, type Connection } from "asyncio-streams";
import { makeAuthority } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";
import { temporaryFolder } from "../support/folders.js";
import { runProgram, type Program } from "../support/processes.js";

const authority = makeAuthority();
const identity = authority.issue();
const tls = { ca: authority.cert };

const GREETING = "220 example.test ESMTP";
const ENVELOPE = ["MAIL FROM:<ada@example.test>", "RCPT TO:<grace@example.test>"];
const DELIVERED = "Mail from <ada@example.test> to <grace@example.test>:";

describe("The example smtp-server", () => {
  const cleanup = cleanups();

  async function serve(): Promise<{ program: Program; port: number }> {
    const folder = await temporaryFolder(cleanup);
    const files = [join(folder, "cert.pem"), join(folder, "key.pem")] as const;
    await Promise.all([writeFile(files[0], identity.cert), writeFile(files[1], identity.key)]);
    const program = runProgram(cleanup, "examples/smtp-server.js", ["127.0.0.1", "0", ...files]);
    const port = /^Serving on \["127\.0\.0\.1",(\d+)\]$/.exec((await program.nextLine()) ?? "")?.[1];
    return { program, port: Number(port) };
  }

  /** Past the greeting. */
  async function connect(port: number): Promise<Connection> {
    const connection = await openConnection("127.0.0.1", port);
    cleanup(() => connection.writer.transport.abort());
    assert.equal(await answerOf(connection), GREETING);
    return connection;
  }

  async function answerOf({ reader }: Connection): Promise<string> {
    return (await reader.readLine()).toString().trimEnd();
  }

  /** The answers, of one line each, to commands that are sent together. */
  async function ask(connection: Connection, ...commands: string[]): Promise<string[]> {
    connection.writer.write(commands.map((command) => `${command}\r\n`).join(""));
    const answers: string[] = [];
    for (let count = 0; count < commands.length; count++) answers.push(await answerOf(connection));
    return answers;
  }

  async function startTls(connection: Connection): Promise<void> {
    assert.deepEqual(await ask(connection, "STARTTLS"), ["220 Go ahead"]);
    await connection.writer.startTls(tls);
  }

  /** What the server sends until it ends the connection. */
  async function rest({ reader }: Connection): Promise<string> {
    return (await reader.read()).toString();
  }

  it("takes a mail in the clear, and prints it", async () => {
    const { program, port } = await serve();
    const connection = await connect(port);
    connection.writer.write("EHLO client\r\n");
    assert.equal(await answerOf(connection), "250-example.test");
    assert.equal(await answerOf(connection), "250 STARTTLS");
    const begun = await ask(connection, ...ENVELOPE, "DATA");
    assert.deepEqual(begun, ["250 OK", "250 OK", "354 End with a dot on a line of its own"]);
    assert.deepEqual(await ask(connection, "Subject: größe\r\n\r\nHello\r\n."), ["250 Taken"]);
    const printed = [DELIVERED, "| Subject: größe", "| ", "| Hello"];
    for (const line of printed) assert.equal(await program.nextLine(), line);
    assert.deepEqual(await ask(connection, "QUIT"), ["221 Bye"]);
    assert.equal(await rest(connection), "");
  });

  it("takes a mail after STARTTLS, and has forgotten what was said before", async () => {
    const { program, port } = await serve();
    const connection = await connect(port);
    assert.deepEqual(await ask(connection, ...ENVELOPE), ["250 OK", "250 OK"]);
    await startTls(connection);
    const { writer } = connection;
    const version = writer.getExtraInfo("tlsVersion");
    assert.equal(await program.nextLine(), `TLS: ${version}, ${writer.getExtraInfo("cipher")?.name}`);
    assert.deepEqual(await ask(connection, "DATA", ENVELOPE[1]!), ["503 RCPT first", "503 MAIL first"]);
    assert.deepEqual(await ask(connection, "EHLO client"), ["250 example.test"]);
    assert.deepEqual(await ask(connection, "STARTTLS"), ["503 TLS is on already"]);
    await ask(connection, ...ENVELOPE, "DATA");
    assert.deepEqual(await ask(connection, "secret\r\n."), ["250 Taken"]);
    assert.equal(await program.nextLine(), DELIVERED);
    assert.equal(await program.nextLine(), "| secret");
    assert.deepEqual(await ask(connection, "QUIT"), ["221 Bye"]);
    assert.equal(await rest(connection), "");
    await writer.waitClosed();
  });

  for (const [what, shakesHands] of [
    ["a handshake", true],
    ["nothing", false],
  ] as const) {
    it(`obeys nothing that was sent behind STARTTLS, with ${what} after it (91)`, async () => {
      const { program, port } = await serve();
      const connection = await connect(port);
      const injected = [...ENVELOPE, "DATA", "injected", ".", "QUIT"];
      connection.writer.write(["STARTTLS", ...injected, ""].join("\r\n"));
      assert.equal(await answerOf(connection), "220 Go ahead");
      if (shakesHands) await assert.rejects(connection.writer.startTls(tls));
      else assert.doesNotMatch(await rest(connection), /^[0-9]/m);
      assert.match((await program.nextLine()) ?? "", /^Conversation ended: TlsError: /);
      // It goes on for others, and has nothing to print.
      const other = await connect(port);
      assert.deepEqual(await ask(other, "QUIT"), ["221 Bye"]);
      program.child.kill();
      assert.deepEqual((await program.finish()).lines, []);
    });
  }

  it("takes off the dots that hide dots, and ends a mail at no other line", async () => {
    const { program, port } = await serve();
    const connection = await connect(port);
    await ask(connection, ...ENVELOPE, "DATA");
    const hidden = ["..", "..x", ". ", "a\n.\nMAIL FROM:<eve@example.test>", "b\n.", "."];
    assert.deepEqual(await ask(connection, hidden.join("\r\n")), ["250 Taken"]);
    const printed = [".", ".x", " ", "a", ".", "MAIL FROM:<eve@example.test>", "b", "."];
    assert.equal(await program.nextLine(), DELIVERED);
    const lines: string[] = [];
    for (let count = 0; count < printed.length; count++) {
      lines.push(((await program.nextLine()) ?? "").replace(/^\| /, ""));
    }
    assert.deepEqual(lines, printed);
    assert.deepEqual(await ask(connection, "NOOP"), ["250 OK"]);
  });

  it("ends the conversation at a line that is too long, also within a mail", async () => {
    const { program, port } = await serve();
    for (const before of [[], [...ENVELOPE, "DATA"]]) {
      const connection = await connect(port);
      await ask(connection, ...before);
      connection.writer.write("x".repeat(4098));
      assert.equal(await rest(connection), "500 Line too long\r\n");
    }
    program.child.kill();
    assert.deepEqual((await program.finish()).lines, []);
  });

  it("refuses a mail that is too large, and goes on", async () => {
    const { program, port } = await serve();
    const connection = await connect(port);
    await ask(connection, ...ENVELOPE, "DATA");
    const line = `${"x".repeat(1022)}\r\n`;
    assert.deepEqual(await ask(connection, `${line.repeat(1025)}.`), ["552 Too much mail"]);
    assert.deepEqual(await ask(connection, ...ENVELOPE), ["250 OK", "250 OK"]);
    program.child.kill();
    assert.deepEqual((await program.finish()).lines, []);
  });

  it("does not take a mail whose client has gone before its end", async () => {
    const { program, port } = await serve();
    const connection = await connect(port);
    await ask(connection, ...ENVELOPE, "DATA");
    connection.writer.write("pay 100\r\n");
    connection.writer.writeEof();
    assert.equal(await rest(connection), "");
    program.child.kill();
    assert.deepEqual((await program.finish()).lines, []);
  });

  it("answers each command that it does not take with the reason", async () => {
    const { port } = await serve();
    const connection = await connect(port);
    const talk: readonly (readonly [command: string, answer: string])[] = [
      ["", "500 Unknown command"],
      ["VRFY ada", "500 Unknown command"],
      ["RCPT TO:<a@example.test>", "503 MAIL first"],
      ["DATA", "503 RCPT first"],
      ["MAIL ada@example.test", "501 MAIL FROM:<address>"],
      ["mail from:<>", "250 OK"],
      ["RCPT TO:<>", "501 RCPT TO:<address>"],
      ["DATA", "503 RCPT first"],
      ["RSET", "250 OK"],
      ["RCPT TO:<a@example.test>", "503 MAIL first"],
      ["HELO client", "250 OK"],
    ];
    for (const [command, answer] of talk) assert.deepEqual(await ask(connection, command), [answer], command);
  });

  it("says how to use it when it has no certificate", async () => {
    const program = runProgram(cleanup, "examples/smtp-server.js", ["127.0.0.1", "0"]);
    const errors = "usage: smtp-server HOST PORT CERTIFICATE KEY\n";
    assert.deepEqual(await program.finish(), { lines: [], errors, status: 2 });
  });
});
