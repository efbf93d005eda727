import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { before, describe, it } from "node:test";
import {
  ConnectionError,
  ConnectionResetError,
  IdleTimeoutError,
  InvalidStateError,
  relay,
  type Connection,
  type RelayedBytes,
  type RelayOptions,
} from "asyncio-streams";
import { patternBytes } from "../support/bytes.js";
import { makeAuthority, type Identity } from "../support/certificates.js";
import { connectedToSocket } from "../support/connections.js";
import { leavesNothing } from "../support/leaks.js";
import { isPending } from "../support/pending.js";
import { plainPair, type Way } from "../support/plain-pairs.js";
import { turns } from "../support/turns.js";

type Cleanup = (undo: () => unknown) => void;
type Streams = Pick<Connection, "reader" | "writer">;

/** What carries one side of the relay. */
type Side = Way["over"] | "tls" | "tls, bridged";

/** More than the buffers between two ends hold. */
const TOO_MUCH = patternBytes(32 * 1_048_576);

let authority: string;
let identity: Identity;
before(() => {
  const made = makeAuthority();
  authority = made.cert;
  identity = made.issue();
});

async function pairOver(cleanup: Cleanup, side: Side): Promise<{ client: Streams; server: Streams }> {
  if (side !== "tls" && side !== "tls, bridged") return plainPair(cleanup, side);
  const pair = await plainPair(cleanup, "tcp");
  const truncation = side === "tls" ? "ignore" : "report";
  await Promise.all([
    pair.client.writer.startTls({ ca: authority }, { truncation }),
    pair.server.writer.startTls(identity, { truncation }),
  ]);
  return pair;
}

interface Relayed {
  readonly client: Streams;
  readonly a: Streams;
  readonly b: Streams;
  readonly server: Streams;
  readonly result: Promise<RelayedBytes>;
}

/** A client, what it is connected to on the left of the relay, and on its right a server. */
async function relayed(
  cleanup: Cleanup,
  [left, right]: readonly [Side, Side],
  options?: RelayOptions,
): Promise<Relayed> {
  const near = await pairOver(cleanup, left);
  const far = await pairOver(cleanup, right);
  const result = relay(near.server, far.client, options);
  result.catch(() => {});
  return { client: near.client, a: near.server, b: far.client, server: far.server, result };
}

/** … with bare sockets outside. */
async function relayedSockets(cleanup: Cleanup, options?: RelayOptions) {
  const [left, right] = [await connectedToSocket(cleanup), await connectedToSocket(cleanup)];
  const result = relay(left.connection, right.connection, options);
  result.catch(() => {});
  return { left, right, result };
}

async function send({ writer }: Streams, bytes: Buffer, piece: number): Promise<void> {
  for (let start = 0; start < bytes.length; start += piece) {
    writer.write(bytes.subarray(start, start + piece));
    await writer.drain();
  }
}

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => void chunks.push(chunk)).resume();
  await once(socket, "close");
  return Buffer.concat(chunks);
}

async function assertClosed(...ends: readonly Streams[]): Promise<void> {
  for (const { writer } of ends) {
    assert.ok(writer.isClosing());
    await writer.waitClosed().catch(() => {});
  }
}

const COMBINATIONS: readonly (readonly [Side, Side])[] = [
  ["tcp", "tcp"],
  ["unix", "tcp"],
  ["tls", "tcp"],
  ["tcp", "tls"],
  ["tls, bridged", "unix"],
  ["tls", "tls, bridged"],
];

describe("relay() over sockets", () => {
  for (const sides of COMBINATIONS) {
    it(`${sides.join(" to ")}: every byte of both directions in order, the ends passed on, nothing left`, () =>
      leavesNothing(async (cleanup) => {
        const up = patternBytes(3_000_001, 1);
        const down = patternBytes(2_000_003, 2);
        let [aToB, bToA] = [0, 0];
        const { client, a, b, server, result } = await relayed(cleanup, sides, {
          onBytes(direction, bytes) {
            if (direction === "aToB") aToB += bytes;
            else bToA += bytes;
          },
        });
        const [received, answered] = await Promise.all([
          server.reader.readExactly(up.length),
          client.reader.readExactly(down.length),
          send(client, up, 100_003),
          send(server, down, 1_009),
        ]);
        assert.ok(received.equals(up));
        assert.ok(answered.equals(down));
        client.writer.close();
        assert.equal((await server.reader.read()).length, 0);
        server.writer.close();
        assert.deepEqual(await result, { aToB: up.length, bToA: down.length });
        assert.deepEqual([aToB, bToA], [up.length, down.length]);
        await assertClosed(client, a, b, server);
      }));
  }

  for (const side of ["tcp", "unix"] as const) {
    for (const first of ["client", "server"] as const) {
      it(`${side}: the ${first} ends its direction, and is answered at length`, () =>
        leavesNothing(async (cleanup) => {
          const parts = await relayed(cleanup, [side, side]);
          const [asking, answering] = [parts[first], parts[first === "client" ? "server" : "client"]];
          asking.writer.write("question");
          asking.writer.writeEof();
          assert.equal((await answering.reader.read()).toString(), "question");
          const [answer] = await Promise.all([
            asking.reader.read(),
            send(answering, TOO_MUCH.subarray(0, 5_000_000), 300_000).then(() => answering.writer.writeEof()),
          ]);
          assert.ok(answer.equals(TOO_MUCH.subarray(0, 5_000_000)));
          await parts.result;
          await assertClosed(parts.a, parts.b);
        }));
    }
  }

  for (const side of ["tls", "tls, bridged"] as const) {
    it(`${side}: a server that ends behind its answer ends the TLS connection of the client, which gets all of it`, () =>
      leavesNothing(async (cleanup) => {
        const { client, a, b, server, result } = await relayed(cleanup, [side, "tcp"]);
        client.writer.write("question\n");
        await server.reader.readLine();
        const sending = send(server, TOO_MUCH.subarray(0, 5_000_000), 300_000);
        void sending.then(() => server.writer.writeEof());
        assert.ok((await client.reader.read()).equals(TOO_MUCH.subarray(0, 5_000_000)));
        assert.equal((await server.reader.read()).length, 0);
        assert.deepEqual(await result, { aToB: 9, bToA: 5_000_000 });
        await assertClosed(a, b, client);
      }));

    it(`${side}: the peer's end of TLS ends the relay, though the other end stays open`, () =>
      leavesNothing(async (cleanup) => {
        const { client, a, b, server, result } = await relayed(cleanup, ["tcp", side]);
        server.writer.write("last");
        server.writer.close();
        assert.equal((await client.reader.read()).toString(), "last");
        assert.deepEqual(await result, { aToB: 0, bToA: 4 });
        await assertClosed(a, b, server);
      }));

    it(`${side}: what an end of TCP had sent before it ended reaches the peer, which answered before`, () =>
      leavesNothing(async (cleanup) => {
        const { client, a, b, server, result } = await relayed(cleanup, ["tcp", side]);
        server.writer.write("hello");
        assert.equal((await client.reader.readExactly(5)).toString(), "hello");
        await send(client, TOO_MUCH.subarray(0, 100_000), 10_000);
        client.writer.writeEof();
        assert.ok((await server.reader.read()).equals(TOO_MUCH.subarray(0, 100_000)));
        assert.equal((await client.reader.read()).length, 0);
        assert.deepEqual(await result, { aToB: 100_000, bToA: 5 });
        await assertClosed(a, b, server);
      }));
  }

  it("a slow reader holds up the sender, and not the other direction", () =>
    leavesNothing(async (cleanup) => {
      const { client, server, result } = await relayed(cleanup, ["tcp", "tcp"]);
      server.writer.transport.pauseReading();
      const sending = send(client, TOO_MUCH, 100_000);
      assert.ok(await isPending(sending));
      for (let round = 0; round < 20; round++) {
        server.writer.write(TOO_MUCH.subarray(0, 50_000));
        assert.equal((await client.reader.readExactly(50_000)).length, 50_000);
      }
      assert.ok(await isPending(sending));
      server.writer.transport.resumeReading();
      assert.ok((await server.reader.readExactly(TOO_MUCH.length)).equals(TOO_MUCH));
      await sending;
      client.writer.close();
      server.writer.close();
      await result;
    }));

  it("what came before a reset is delivered to the other side, then it rejects with the error", () =>
    leavesNothing(async (cleanup) => {
      const { left, right, result } = await relayedSockets(cleanup);
      const sent = TOO_MUCH.subarray(0, 300_000);
      left.peer.write(sent);
      while (left.sock.bytesRead < sent.length) await turns(1);
      left.peer.resetAndDestroy();
      const received = await readAll(right.peer.on("end", () => right.peer.end()));
      assert.ok(received.equals(sent));
      await assert.rejects(result, ConnectionResetError);
      await assertClosed(left.connection, right.connection);
    }));

  for (const [how, die] of [
    ["resets", (peer: Socket) => peer.resetAndDestroy()],
    ["closes", (peer: Socket) => peer.destroy()],
  ] as const) {
    it(`a peer that ${how} instead of reading ends it with an error, and the other side with it`, () =>
      leavesNothing(async (cleanup) => {
        const { left, right, result } = await relayedSockets(cleanup);
        left.peer.write(TOO_MUCH);
        assert.ok(await isPending(result));
        die(right.peer);
        await assert.rejects(result, ConnectionError);
        await assertClosed(left.connection, right.connection);
      }));
  }

  it("rejects as the writer does when somebody else has ended the direction", () =>
    leavesNothing(async (cleanup) => {
      const { client, a, b, server, result } = await relayed(cleanup, ["tcp", "tcp"]);
      const bytes = TOO_MUCH.subarray(0, 1_000_000);
      const [received] = await Promise.all([
        server.reader.readExactly(bytes.length),
        send(client, bytes, 65_536),
      ]);
      assert.ok(received.equals(bytes));
      b.writer.writeEof();
      client.writer.write(bytes);
      await assert.rejects(result, InvalidStateError);
      await assertClosed(a, b);
    }));

  it("an abort in the middle ends both at once, whatever they hold", () =>
    leavesNothing(async (cleanup) => {
      const controller = new AbortController();
      const { left, right, result } = await relayedSockets(cleanup, { signal: controller.signal });
      left.peer.write(TOO_MUCH);
      right.peer.write(TOO_MUCH);
      assert.ok(await isPending(result));
      controller.abort(new RangeError("enough"));
      await assert.rejects(result, RangeError);
      await assertClosed(left.connection, right.connection);
    }));

  for (const side of ["tcp", "tls"] as const) {
    it(`${side}: idle ends both, also when a peer does not read`, () =>
      leavesNothing(async (cleanup) => {
        for (const isStuck of [false, true]) {
          const { client, a, b, server, result } = await relayed(cleanup, ["tcp", side], { idle: 100 });
          if (isStuck) {
            server.writer.transport.pauseReading();
            client.writer.write(TOO_MUCH);
          }
          await assert.rejects(result, IdleTimeoutError);
          await assertClosed(a, b);
        }
      }));
  }
});
