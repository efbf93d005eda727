import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectSocket, createServer, type AddressInfo, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { before, describe, it } from "node:test";
import { connect, createSecureContext, TLSSocket, type SecureContext } from "node:tls";
import {
  ConnectionResetError,
  InvalidStateError,
  NotImplementedError,
  openConnection,
  startServer,
  TlsShutdownTimeoutError,
  TlsTruncationError,
  type Connection,
  type StreamReader,
  type StreamWriter,
  type Truncation,
} from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import { patternBytes } from "../support/bytes.js";
import { makeAuthority } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";

type Version = "TLSv1.2" | "TLSv1.3";
type Side = "client" | "server";

/** One end is a stream of ours, the other one is node:tls over a socket that the test can end below TLS. */
interface Pair {
  readonly reader: StreamReader;
  readonly writer: StreamWriter;
  readonly peer: TLSSocket;
  readonly socket: Socket;
}

const cleanup = cleanups();
const contexts = {} as { client: SecureContext; server: SecureContext };
before(() => {
  const authority = makeAuthority();
  contexts.client = createSecureContext({ ca: authority.cert });
  contexts.server = createSecureContext(authority.issue());
});

/** `side` is ours. */
async function makePair(
  side: Side,
  options: { truncation?: Truncation; version?: Version; sslShutdownTimeout?: number },
  under: (socket: Socket) => Duplex = (socket) => socket,
): Promise<Pair> {
  const { version = "TLSv1.3", ...ours } = options;
  const versions = { minVersion: version, maxVersion: version } as const;
  return side === "client" ? await ourClient(versions, ours, under) : await ourServer(versions, ours, under);
}

async function ourClient(versions: object, ours: object, under: (socket: Socket) => Duplex): Promise<Pair> {
  const listener = createServer({ allowHalfOpen: true });
  cleanup(() => listener.close());
  await once(listener.listen(0, "127.0.0.1"), "listening");
  const { port } = listener.address() as AddressInfo;
  const accepted = once(listener, "connection") as Promise<[Socket]>;
  const connecting = openConnection("127.0.0.1", port, {
    ssl: { secureContext: contexts.client, ...versions },
    ...ours,
  });
  const [socket] = await accepted;
  const peer = new TLSSocket(under(socket), { isServer: true, secureContext: contexts.server, ...versions });
  keep(peer, socket);
  const [{ reader, writer }] = await Promise.all([connecting, once(peer, "secure")]);
  cleanup(() => writer.transport.abort());
  return { reader, writer, peer, socket };
}

async function ourServer(versions: object, ours: object, under: (socket: Socket) => Duplex): Promise<Pair> {
  let serve!: (connection: Pick<Connection, "reader" | "writer">) => void;
  const served = new Promise<Pick<Connection, "reader" | "writer">>((resolve) => (serve = resolve));
  const ssl = { secureContext: contexts.server, ...versions };
  const options = { ssl, ...ours };
  const server = await startServer((reader, writer) => serve({ reader, writer }), "127.0.0.1", 0, options);
  cleanup(() => {
    server.close();
    server.abortClients();
  });
  const socket = connectSocket({ port: portOf(server), host: "127.0.0.1", allowHalfOpen: true });
  await once(socket, "connect");
  const peer = connect({
    socket: under(socket),
    secureContext: contexts.client,
    host: "127.0.0.1",
    ...versions,
  });
  keep(peer, socket);
  return { ...(await served), peer, socket };
}

/** For a peer that is to be cut off: with its engine on the socket itself Bun sends close_notify also when the test ends the socket. */
function overStream(socket: Socket): Duplex {
  const stream = new Duplex({
    read: () => void socket.resume(),
    write: (chunk, _encoding, done) => void socket.write(chunk as Buffer, done),
    final: (done) => void socket.end(done),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on("data", (chunk: Buffer) => void (stream.push(chunk) || socket.pause()));
  socket.once("end", () => stream.push(null)).once("close", () => stream.destroy());
  return stream;
}

function keep(peer: TLSSocket, socket: Socket): void {
  peer.on("error", () => {}).resume();
  socket.on("error", () => {});
  cleanup(() => socket.destroy());
}

/** One record, so that what follows on the socket comes behind it. */
async function send(peer: TLSSocket, data: Uint8Array | string): Promise<void> {
  await new Promise((resolve) => peer.write(data, resolve));
}

const ENDS: Readonly<Record<string, (pair: Pair) => void>> = {
  close_notify: ({ peer }) => void peer.end(),
  "a bare end": ({ socket }) => void socket.end(),
  "an end within a record": ({ socket }) => void socket.end(Buffer.from("170303010000000000", "hex")),
};

for (const side of ["client", "server"] as const) {
  for (const truncation of ["ignore", "report", "error"] as const) {
    it(`close() sends all to a peer that ends without close_notify meanwhile, a ${side}, truncation: "${truncation}" (95)`, async () => {
      const { writer, peer, socket } = await makePair(side, { truncation });
      const received: Buffer[] = [];
      peer.pause();
      const data = patternBytes(3 * 1_048_576);
      writer.write(data);
      writer.close();
      socket.end();
      await new Promise((resolve) => setImmediate(resolve));
      peer.on("data", (chunk: Buffer) => received.push(chunk)).resume();
      await writer.waitClosed();
      if (!peer.readableEnded) await once(peer, "end");
      assert.deepEqual(Buffer.concat(received), Buffer.from(data));
    });
  }

  it(`a read of all keeps what came before a truncation, a ${side} (15, 97)`, async () => {
    const { reader, peer, socket } = await makePair(side, { truncation: "error" }, overStream);
    await send(peer, "four");
    const reading = reader.read();
    socket.end();
    await assert.rejects(reading, TlsTruncationError);
    assert.equal((await reader.read(10)).toString(), "four");
  });

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    describe(`the end of TLS: a ${side} of ${version}`, () => {
      for (const [what, end] of Object.entries(ENDS)) {
        const isAnnounced = what === "close_notify";
        for (const size of [0, 5, 300_000]) {
          for (const truncation of ["ignore", "report", "error"] as const) {
            const isError = truncation === "error" && !isAnnounced;
            it(`${what} behind ${size} bytes ${isError ? "is an error" : "is the end"} with truncation: "${truncation}" (96, 97)`, async () => {
              const pair = await makePair(side, { truncation, version }, overStream);
              const { reader, writer } = pair;
              const data = patternBytes(size);
              if (size > 0) await send(pair.peer, data);
              end(pair);
              assert.deepEqual(Buffer.from(await reader.readExactly(size)), Buffer.from(data));
              if (isError) await assert.rejects(reader.read(), TlsTruncationError);
              else assert.equal((await reader.read()).length, 0);
              if (isError) await assert.rejects(writer.waitClosed(), TlsTruncationError);
              else await writer.waitClosed();
              const told = truncation === "ignore" ? undefined : isAnnounced;
              assert.equal(writer.getExtraInfo("closeNotifyReceived"), told);
            });
          }
        }
      }
    });
  }

  for (const truncation of ["ignore", "report"] as const) {
    describe(`close() of TLS, a ${side}, truncation: "${truncation}"`, () => {
      it("sends what was written and close_notify, and waits for the peer's (95)", async () => {
        const { writer, peer } = await makePair(side, { truncation });
        const received: Buffer[] = [];
        peer.on("data", (chunk: Buffer) => received.push(chunk));
        const data = patternBytes(1_000_000);
        writer.write(data);
        writer.close();
        assert.ok(writer.isClosing());
        await once(peer, "end");
        assert.deepEqual(Buffer.concat(received), Buffer.from(data));
        peer.end();
        await writer.waitClosed();
      });

      it("gives the peer sslShutdownTimeout for it, then ends with an error that says so (95)", async () => {
        const { writer, peer } = await makePair(side, { truncation, sslShutdownTimeout: 50 });
        writer.close();
        await once(peer, "end");
        await assert.rejects(
          writer.waitClosed(),
          (error) =>
            error instanceof TlsShutdownTimeoutError && error.timeout === 50 && /50 ms/.test(error.message),
        );
      });

      it("has the limit for a peer that takes nothing, too", async () => {
        const { writer, socket } = await makePair(side, { truncation, sslShutdownTimeout: 50 });
        socket.pause();
        writer.write(new Uint8Array(32 * 1_048_576));
        writer.close();
        await assert.rejects(writer.waitClosed(), TlsShutdownTimeoutError);
      });

      it("cannot be had for one direction: canWriteEof() is false, and writeEof() says why (40)", async () => {
        const { writer, peer, reader } = await makePair(side, { truncation });
        assert.equal(writer.canWriteEof(), false);
        assert.throws(
          () => writer.writeEof(),
          (error) => error instanceof NotImplementedError && /TLS/.test(error.message),
        );
        await send(peer, "still open");
        assert.equal((await reader.readExactly(10)).toString(), "still open");
      });

      it("comes by itself at the peer's end, behind what was written (96)", async () => {
        const { reader, writer, peer } = await makePair(side, { truncation });
        const received: Buffer[] = [];
        peer.on("data", (chunk: Buffer) => received.push(chunk));
        await send(peer, "x");
        await reader.readExactly(1);
        const data = patternBytes(300_000);
        writer.write(data);
        peer.end();
        assert.equal((await reader.read()).length, 0);
        await writer.waitClosed();
        if (!peer.readableEnded) await once(peer, "end");
        assert.deepEqual(Buffer.concat(received), Buffer.from(data));
      });
    });

    describe(`calls in each state of TLS, a ${side}, truncation: "${truncation}"`, () => {
      const dropped = (pair: Pair) => {
        pair.writer.write("dropped");
        pair.writer.writeLines(["dropped"]);
        return assert.rejects(pair.writer.drain(), ConnectionResetError);
      };
      const again = async ({ writer }: Pair) => {
        writer.close();
        writer.transport.abort();
        await writer.waitClosed();
      };
      const states: readonly (readonly [state: string, reach: (pair: Pair) => Promise<unknown>])[] = [
        ["closing", async ({ writer }) => writer.close()],
        ["closed", async ({ writer, peer }) => (writer.close(), peer.end(), await writer.waitClosed())],
        ["aborted", async ({ writer }) => (writer.transport.abort(), await writer.waitClosed())],
        ["ended by the peer", async ({ writer, peer }) => (peer.end(), await writer.waitClosed())],
      ];
      for (const [state, reach] of states) {
        it(`${state}: write and drain, close and abort, read and waitClosed (94–98)`, async () => {
          const pair = await makePair(side, { truncation });
          await reach(pair);
          assert.ok(pair.writer.isClosing());
          await dropped(pair);
          await again(pair);
          assert.equal((await pair.reader.read()).length, 0);
          await assert.rejects(pair.reader.readUntil("x"), { name: "IncompleteReadError" });
          await assert.rejects(
            pair.writer.startTls(
              { secureContext: contexts.client },
              { serverHostname: "", serverSide: false },
            ),
            ConnectionResetError,
          );
          pair.peer.destroy();
          pair.socket.destroy();
        });
      }

      it("open: a second read is refused, abort() ends all that waits (42, 94)", async () => {
        const { reader, writer } = await makePair(side, { truncation });
        const reading = reader.read(1);
        await assert.rejects(reader.read(1), InvalidStateError);
        writer.write(new Uint8Array(16 * 1_048_576));
        const draining = writer.drain();
        writer.transport.abort();
        assert.equal((await reading).length, 0);
        await draining;
        await writer.waitClosed();
      });
    });
  }
}

for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
  it(`close() sends close_notify also right after the handshake, a server of ${version} (95)`, async () => {
    const ssl = { secureContext: contexts.server, maxVersion: version };
    const greet = (_reader: StreamReader, writer: StreamWriter): void => {
      writer.write("hello");
      writer.close();
    };
    const server = await startServer(greet, "127.0.0.1", 0, { ssl });
    cleanup(() => server[Symbol.asyncDispose]());
    const { reader, writer } = await openConnection("127.0.0.1", portOf(server), {
      ssl: { secureContext: contexts.client },
      truncation: "error",
    });
    assert.equal((await reader.read()).toString(), "hello");
    assert.equal(writer.getExtraInfo("closeNotifyReceived"), true);
    await writer.waitClosed();
  });
}
