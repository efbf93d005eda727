import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectSocket, type Socket } from "node:net";
import { before, describe, it } from "node:test";
import {
  CertificateError,
  openConnection,
  openUnixConnection,
  startServer,
  startUnixServer,
  TlsError,
  TlsHandshakeTimeoutError,
  type ErrorContext,
  type Server,
  type StartServerOptions,
  type StreamReader,
  type StreamWriter,
  type Truncation,
} from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import { makeAuthority, makeSelfSigned, type Authority, type Identity } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";
import { temporaryFolder } from "../support/folders.js";
import { watchResources } from "../support/open-resources.js";

const cleanup = cleanups();
let authority: Authority;
let identity: Identity;
before(() => {
  authority = makeAuthority();
  identity = authority.issue();
});

/** A server, and what its callback and onError have heard. */
interface Setting {
  readonly server: Server;
  readonly port: number;
  readonly heard: { error: unknown; context: ErrorContext }[];
  readonly served: StreamWriter[];
  /** Resolves when onError has been called `count` times. */
  readonly reported: (count: number) => Promise<void>;
}

async function serve(options: StartServerOptions): Promise<Setting> {
  const heard: Setting["heard"] = [];
  const served: StreamWriter[] = [];
  let wake = (): void => {};
  const callback = async (reader: StreamReader, writer: StreamWriter): Promise<void> => {
    served.push(writer);
    for await (const line of reader) writer.write(line);
  };
  const onError = (error: unknown, context: ErrorContext) => {
    heard.push({ error, context });
    wake();
  };
  const server = await startServer(callback, "127.0.0.1", 0, { ssl: identity, onError, ...options });
  cleanup(() => server[Symbol.asyncDispose]());
  const reported = async (count: number) => {
    while (heard.length < count) await new Promise<void>((resolve) => (wake = resolve));
  };
  return { server, port: portOf(server), heard, served, reported };
}

async function bareSocket(port: number): Promise<Socket> {
  const socket = connectSocket(port, "127.0.0.1");
  socket.on("error", () => {}).resume();
  cleanup(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}

async function checkEcho(port: number, ssl: object = { ca: authority.cert }): Promise<StreamWriter> {
  const { reader, writer } = await openConnection("127.0.0.1", port, { ssl });
  writer.write("still served\n");
  assert.equal((await reader.readLine()).toString(), "still served\n");
  await writer[Symbol.asyncDispose]();
  return writer;
}

/** The beginning of a record that announces more than it has. */
const HALF_RECORD = Buffer.from("160303007a0200007603", "hex");

for (const truncation of ["ignore", "error"] as const satisfies Truncation[]) {
  describe(`startServer() over TLS, truncation: "${truncation}"`, () => {
    const failures: readonly (readonly [
      what: string,
      act: (socket: Socket) => unknown,
      error: new (...all: never[]) => Error,
    ])[] = [
      ["sends plain text", (socket) => socket.write("GET / HTTP/1.0\r\n\r\n"), TlsError],
      ["is silent", () => {}, TlsHandshakeTimeoutError],
      ["sends half a record", (socket) => socket.write(HALF_RECORD), TlsHandshakeTimeoutError],
      ["closes at once", (socket) => socket.end(), Error],
      ["closes in the middle", (socket) => socket.end(HALF_RECORD), Error],
      ["resets", (socket) => (socket.write(HALF_RECORD), socket.resetAndDestroy()), Error],
    ];
    for (const [what, act, expected] of failures) {
      it(`never calls the callback for a client that ${what}; closes, tells onError, and goes on (73, 98)`, async () => {
        const { server, port, heard, served, reported } = await serve({
          truncation,
          sslHandshakeTimeout: 200,
        });
        const nothingLeft = await watchResources();
        const socket = await bareSocket(port);
        const closed = once(socket, "close");
        act(socket);
        await Promise.all([closed, reported(1)]);
        const [{ error, context }] = heard as [Setting["heard"][number]];
        assert.ok(error instanceof expected, String(error));
        assert.equal(context.phase, "handshake");
        assert.deepEqual(context.suppressed, 0);
        assert.equal(served.length, 0);
        await checkEcho(port);
        assert.equal(served.length, 1);
        assert.equal(heard.length, 1);
        await nothingLeft();
        assert.ok(server.isServing());
      });
    }

    it("tells onError of a flood at a bounded rate, and how many it left out", async () => {
      const { port, heard, reported } = await serve({ truncation });
      const attack = async () => {
        const socket = await bareSocket(port);
        socket.write("no TLS");
        await once(socket, "close");
      };
      const begin = performance.now();
      await Promise.all(Array.from({ length: 100 }, attack));
      const seconds = Math.ceil((performance.now() - begin) / 1000);
      assert.ok(heard.length <= seconds, `${heard.length} reports in ${seconds} s`);
      const before = heard.length;
      while (heard.length === before) await attack();
      await reported(before + 1);
      const last = heard.at(-1)!.context.suppressed!;
      assert.ok(last >= 100 - before, `${last} left out`);
    });

    for (const end of ["closeClients", "abortClients"] as const) {
      it(`${end}() ends handshakes, and waitClosed() waits for that`, async () => {
        const { server, port, heard, served } = await serve({ truncation });
        const socket = await bareSocket(port);
        const closed = once(socket, "close");
        await checkEcho(port);
        server.close();
        server[end]();
        await Promise.all([closed, server.waitClosed()]);
        assert.equal(served.length, 1);
        assert.deepEqual(heard, []);
      });
    }

    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const versions = { minVersion: version, maxVersion: version } as const;
      it(`verifies the certificates of clients as tls.Server does (${version})`, async () => {
        const ssl = { ...identity, ca: authority.cert, requestCert: true, ...versions };
        const { port, served, heard, reported } = await serve({ ssl, truncation });
        await checkEcho(port, { ca: authority.cert, ...authority.issue({ commonName: "client" }) });
        assert.equal(served[0]!.getExtraInfo("authorized"), true);
        assert.equal(served[0]!.getExtraInfo("peercert")?.subject.CN, "client");

        const refused = async (options: object) => {
          const connection = await openConnection("127.0.0.1", port, {
            ssl: { ca: authority.cert, ...options },
            truncation,
          }).catch(() => undefined);
          await connection?.reader.read().catch(() => {});
          await connection?.[Symbol.asyncDispose]();
        };
        await refused({});
        await refused(makeSelfSigned());
        await reported(1);
        assert.equal(served.length, 1, "the callback is for verified clients only");
        assert.ok(heard[0]!.error instanceof TlsError);
      });

      it(`lets clients in whose certificate is not verified with rejectUnauthorized: false (${version})`, async () => {
        const ssl = {
          ...identity,
          ca: authority.cert,
          requestCert: true,
          rejectUnauthorized: false,
          ...versions,
        };
        const { port, served } = await serve({ ssl, truncation });
        await checkEcho(port, { ca: authority.cert });
        await checkEcho(port, { ca: authority.cert, ...makeSelfSigned() });
        assert.deepEqual(
          served.map((writer) => writer.getExtraInfo("authorized")),
          [false, false],
        );
        assert.equal(served[0]!.getExtraInfo("peercert"), undefined);
      });
    }

    it("serves over a Unix socket, to a client that names the host (82, 83)", async () => {
      const path = `${await temporaryFolder(cleanup)}/s`;
      const server = await startUnixServer(
        async (reader, writer) => writer.write(await reader.readLine()),
        path,
        {
          ssl: identity,
          truncation,
        },
      );
      cleanup(() => server[Symbol.asyncDispose]());
      const connect = (serverHostname: string) =>
        openUnixConnection(path, { ssl: { ca: authority.cert }, serverHostname, truncation });
      const { reader, writer } = await connect("localhost");
      writer.write("hello\n");
      assert.equal((await reader.readLine()).toString(), "hello\n");
      assert.equal(writer.getExtraInfo("peername"), path);
      await writer[Symbol.asyncDispose]();
      await assert.rejects(connect("other.test"), CertificateError);
    });
  });
}
