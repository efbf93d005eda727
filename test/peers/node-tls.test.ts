import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { connect, createServer, type ConnectionOptions, type TLSSocket } from "node:tls";
import {
  openConnection,
  startServer,
  StreamReader,
  TlsError,
  type StreamWriter,
  type TlsOptions,
} from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import { patternBytes } from "../support/bytes.js";
import { makeAuthority } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";
import { inPieces, relayTo } from "../support/relay.js";

const BULK_SIZE = 8 * 1024 * 1024;
const VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;

const authority = makeAuthority();
const identity = authority.issue();

/** A connection of streams of ours with a socket of node:tls. */
interface Pair {
  readonly reader: StreamReader;
  readonly writer: StreamWriter;
  readonly peer: TLSSocket;
  /** What comes to the peer. */
  readonly received: StreamReader;
}

/** The side of the streams of ours, and where their TLS runs. */
const CASES = [
  ["server", "ignore", "This server and a client of node:tls"],
  ["server", "error", "This server, over a stream, and a client of node:tls"],
  ["client", "ignore", "This client and a server of node:tls"],
  ["client", "error", "This client, over a stream, and a server of node:tls"],
] as const;

async function connected(options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect(options);
  await once(socket, "secureConnect");
  return socket;
}

for (const [side, truncation, title] of CASES) {
  describe(title, () => {
    const cleanup = cleanups();

    /** A server of one kind, and what connects a client of the other kind with it. */
    async function serve(
      options: { readonly ALPNProtocols?: string[] } = {},
    ): Promise<{ port: number; pairWith: (port: number, options?: TlsOptions) => Promise<Pair> }> {
      const accepted: ((pair: [StreamReader, StreamWriter] | TLSSocket) => void)[] = [];
      const ssl = { ...identity, ...options };
      let port: number;
      if (side === "server") {
        const onConnection = (reader: StreamReader, writer: StreamWriter) =>
          accepted.shift()!([reader, writer]);
        const server = await startServer(onConnection, "127.0.0.1", 0, { ssl, truncation });
        port = portOf(server);
        cleanup(() => {
          server.abortClients();
          return server[Symbol.asyncDispose]();
        });
      } else {
        const server = createServer(ssl, (socket) => accepted.shift()!(socket)).listen(0, "127.0.0.1");
        cleanup(() => server.close());
        await once(server, "listening");
        ({ port } = server.address() as AddressInfo);
      }
      const pairWith = async (where: number, client: TlsOptions = {}): Promise<Pair> => {
        const other = new Promise<unknown>((resolve) => accepted.push(resolve));
        const withCa = { ca: authority.cert, ...client };
        let [streams, peer]: [unknown, unknown] = [other, other];
        if (side === "server") peer = connected({ ...withCa, host: "127.0.0.1", port: where });
        else streams = await openConnection("127.0.0.1", where, { ssl: withCa, truncation });
        const [[reader, writer], socket] = (await Promise.all([streams, peer])) as [
          [StreamReader, StreamWriter],
          TLSSocket,
        ];
        cleanup(() => {
          socket.destroy();
          writer.transport.abort();
        });
        const received = new StreamReader({ limit: BULK_SIZE });
        socket.on("data", (chunk: Buffer) => received.feedData(chunk)).once("end", () => received.feedEof());
        return { reader, writer, peer: socket, received };
      };
      return { port, pairWith };
    }

    async function pair(): Promise<Pair> {
      const { port, pairWith } = await serve();
      return pairWith(port);
    }

    for (const version of VERSIONS) {
      it(`agree on ${version}, cipher and ALPN, and answer many requests, one by one and all at once`, async () => {
        const { port, pairWith } = await serve({ ALPNProtocols: ["a", "b"] });
        const options = { ALPNProtocols: ["b", "c"], minVersion: version, maxVersion: version };
        const { reader, writer, peer, received } = await pairWith(port, options);
        const known = ["tlsVersion", "alpnProtocol"].map((key) => writer.getExtraInfo(key));
        assert.deepEqual(known, [version, "b"]);
        assert.deepEqual([peer.getProtocol(), peer.alpnProtocol], [version, "b"]);
        assert.equal(writer.getExtraInfo("cipher")!.standardName, peer.getCipher().standardName);
        for (let count = 0; count < 100; count++) {
          peer.write(`request ${count}\n`);
          writer.write(`answer to ${(await reader.readLine()).toString()}`);
          assert.equal((await received.readLine()).toString(), `answer to request ${count}\n`);
        }
        const lines = Array.from({ length: 1000 }, (_, count) => `line ${count}\n`);
        peer.write(lines.join(""));
        for (const line of lines) {
          assert.equal((await reader.readLine()).toString(), line);
          writer.write(line);
        }
        const all = Buffer.from(lines.join(""));
        assert.deepEqual(await received.readExactly(all.length), all);
      });

      it(`resume a session with ${version}`, async () => {
        const { port, pairWith } = await serve();
        const options = { minVersion: version, maxVersion: version };
        const first = await pairWith(port, options);
        // A server's tickets of TLS 1.3 come at the latest with its answer to a client's first data.
        for (let round = 0; round < 2; round++) {
          first.writer.write("to the peer\n");
          await first.received.readLine();
          first.peer.write("to the streams\n");
          await first.reader.readLine();
        }
        const engineOf = ({ writer, peer }: Pair) =>
          side === "server" ? peer : writer.getExtraInfo("sslObject")!;
        assert.equal(engineOf(first).isSessionReused(), false);
        const again = await pairWith(port, { ...options, session: engineOf(first).getSession()! });
        again.writer.write("again\n");
        assert.equal((await again.received.readLine()).toString(), "again\n");
        const seen = [
          again.peer.isSessionReused(),
          again.writer.getExtraInfo("sslObject")!.isSessionReused(),
        ];
        assert.deepEqual(seen, [true, true]);
      });
    }

    it("understand each other when the bytes come in small pieces", async () => {
      const { port, pairWith } = await serve();
      const relay = await relayTo(cleanup, port, inPieces);
      const { reader, writer, peer, received } = await pairWith(relay.port);
      const data = patternBytes(5000);
      peer.write(data);
      assert.deepEqual(await reader.readExactly(data.length), data);
      writer.write(data);
      assert.deepEqual(await received.readExactly(data.length), data);
      peer.end("the last bytes");
      assert.equal((await reader.read()).toString(), "the last bytes");
      writer.close();
      await writer.waitClosed();
    });

    it("carry 8 MiB each way at once", async () => {
      const { reader, writer, peer, received } = await pair();
      const [ours, theirs] = [patternBytes(BULK_SIZE, 1), patternBytes(BULK_SIZE, 2)];
      const send = async () => {
        for (let start = 0; start < ours.length; start += 65_536) {
          writer.write(ours.subarray(start, start + 65_536));
          await writer.drain();
        }
      };
      peer.write(theirs);
      const [, atStreams, atPeer] = await Promise.all([
        send(),
        reader.readExactly(BULK_SIZE),
        received.readExactly(BULK_SIZE),
      ]);
      assert.ok(atStreams.equals(theirs));
      assert.ok(atPeer.equals(ours));
    });

    it("end without an error when the streams close, behind what they wrote (95)", async () => {
      const { reader, writer, peer, received } = await pair();
      const closed = once(peer, "close");
      const data = patternBytes(1_000_000);
      writer.write(data);
      writer.close();
      await writer.waitClosed();
      assert.ok((await received.read()).equals(data));
      assert.deepEqual(await closed, [false]);
      assert.equal((await reader.read()).length, 0);
    });

    it("end without an error when the peer does, behind what it wrote (96)", async () => {
      const { reader, writer, peer } = await pair();
      const closed = once(peer, "close");
      const data = patternBytes(1_000_000);
      peer.end(data);
      assert.ok((await reader.read()).equals(data));
      await writer.waitClosed();
      assert.deepEqual(await closed, [false]);
    });

    it("give what came before a broken record, then the error", async () => {
      const { port, pairWith } = await serve();
      const relay = await relayTo(cleanup, port);
      const { reader, writer, peer } = await pairWith(relay.port);
      peer.on("error", () => {});
      peer.write("whole\n");
      assert.equal((await reader.readLine()).toString(), "whole\n");
      const { toClient, toServer } = await relay.relayed;
      (side === "server" ? toServer : toClient).end("this is no TLS record");
      await assert.rejects(reader.read(), TlsError);
      await assert.rejects(writer.waitClosed(), TlsError);
    });
  });
}
