import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { before, describe, it } from "node:test";
import {
  CertificateError,
  openUnixConnection,
  startUnixServer,
  TlsHandshakeTimeoutError,
  TlsShutdownTimeoutError,
  type OpenUnixConnectionOptions,
  type StartUnixServerOptions,
  type StreamReader,
  type StreamWriter,
} from "asyncio-streams";
import { makeAuthority, type Authority, type Identity } from "./support/certificates.js";
import { cleanups } from "./support/cleanup.js";
import { temporaryFolder } from "./support/folders.js";

const skip = process.platform === "win32" && "Windows has no Unix sockets here";
/** More than kernel and TLS hold of what nobody reads. */
const MUCH = new Uint8Array(32 * 1_048_576);

const cleanup = cleanups();
let authority: Authority;
let identity: Identity;
before(() => {
  authority = makeAuthority();
  identity = authority.issue();
});

async function echo(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for await (const line of reader) writer.write(line);
}

async function serve(
  callback: (reader: StreamReader, writer: StreamWriter) => unknown,
  options?: StartUnixServerOptions,
): Promise<string> {
  const path = `${await temporaryFolder(cleanup)}/s`;
  const server = await startUnixServer(callback, path, options);
  cleanup(() => {
    server.close();
    server.abortClients();
    return server.waitClosed();
  });
  return path;
}

async function dial(
  path: string,
  options?: OpenUnixConnectionOptions,
): ReturnType<typeof openUnixConnection> {
  const connection = await openUnixConnection(path, options);
  cleanup(() => connection.writer.transport.abort());
  return connection;
}

const trust = () => ({ ca: authority.cert });

describe("openUnixConnection() with the options of openConnection()", { skip }, () => {
  it("limit is that of its reader", async () => {
    const { reader, writer } = await dial(await serve(echo), { limit: 10 });
    writer.write("longer than that\n");
    await assert.rejects(reader.readLine(), { name: "LineTooLongError", limit: 10 });
  });

  it("ssl and serverHostname: the certificate is checked for that name", async () => {
    const path = await serve(echo, { ssl: identity, onError: () => {} });
    const { reader, writer } = await dial(path, { ssl: trust(), serverHostname: "localhost" });
    writer.write("secret\n");
    assert.equal(String(await reader.readLine()), "secret\n");
    assert.ok(writer.getExtraInfo("cipher"));
    await assert.rejects(dial(path, { ssl: trust(), serverHostname: "elsewhere" }), CertificateError);
  });

  it("sslHandshakeTimeout ends a handshake that the peer does not answer", async () => {
    const path = `${await temporaryFolder(cleanup)}/s`;
    const silent = createServer((socket) => cleanup(() => socket.destroy())).listen(path);
    cleanup(() => silent.close());
    await once(silent, "listening");
    const dialing = dial(path, { ssl: trust(), serverHostname: "localhost", sslHandshakeTimeout: 20 });
    await assert.rejects(
      dialing,
      (error) => error instanceof TlsHandshakeTimeoutError && error.timeout === 20,
    );
  });

  it("sslShutdownTimeout ends a close that the peer does not answer", async () => {
    const path = await serve(() => {}, { ssl: identity });
    const { writer } = await dial(path, {
      ssl: trust(),
      serverHostname: "localhost",
      sslShutdownTimeout: 20,
    });
    writer.write(MUCH);
    writer.close();
    await assert.rejects(writer.waitClosed(), TlsShutdownTimeoutError);
  });
});

describe("startUnixServer() with the options of startServer()", { skip }, () => {
  it("limit reaches the readers", async () => {
    const path = await serve(
      async (reader, writer) => {
        await assert.rejects(reader.readLine(), { name: "LineTooLongError", limit: 10 });
        writer.write("refused");
      },
      { limit: 10 },
    );
    const { reader, writer } = await dial(path);
    writer.write("longer than that\n");
    assert.equal(String(await reader.read()), "refused");
  });

  it("backlog is how many wait for startServing()", async () => {
    const path = `${await temporaryFolder(cleanup)}/s`;
    const server = await startUnixServer(echo, path, { backlog: 2, startServing: false });
    cleanup(() => server[Symbol.asyncDispose]());
    assert.equal(server.isServing(), false);
    const answers: Promise<string>[] = [];
    for (let client = 0; client < 4; client++) {
      const { reader, writer } = await dial(path);
      writer.write("ping\n");
      answers.push(reader.readLine().then(String, () => ""));
    }
    assert.deepEqual(await Promise.all(answers.slice(2)), ["", ""]);
    await server.startServing();
    assert.deepEqual(await Promise.all(answers.slice(0, 2)), ["ping\n", "ping\n"]);
  });

  it("sslHandshakeTimeout ends a handshake that the client does not begin", async () => {
    let onError!: (error: unknown) => void;
    const failed = new Promise((resolve) => (onError = resolve));
    const path = await serve(echo, { ssl: identity, sslHandshakeTimeout: 20, onError });
    const silent = connect(path);
    cleanup(() => silent.destroy());
    const error = await failed;
    assert.ok(error instanceof TlsHandshakeTimeoutError);
    assert.equal(error.timeout, 20);
  });

  it("sslShutdownTimeout ends a close that the client does not answer", async () => {
    let closed!: (closing: Promise<void>) => void;
    const closing = new Promise<void>((resolve) => (closed = resolve));
    const path = await serve(
      (_reader, writer) => {
        writer.write(MUCH);
        writer.close();
        closed(writer.waitClosed());
      },
      { ssl: identity, sslShutdownTimeout: 20 },
    );
    await dial(path, { ssl: trust(), serverHostname: "localhost" });
    await assert.rejects(closing, TlsShutdownTimeoutError);
  });
});
