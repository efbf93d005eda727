import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  openConnection,
  startServer,
  type Connection,
  type StreamReader,
  type StreamWriter,
} from "asyncio-streams";
import {
  memoryNetwork,
  type Direction,
  type MemoryConnection,
  type MemoryNetwork,
  type MemoryNetworkOptions,
} from "asyncio-streams/testing";
import { patternBytes } from "../support/bytes.js";
import { isPending, turns } from "../support/turns.js";

interface Pair {
  readonly network: MemoryNetwork;
  readonly client: Connection;
  readonly server: { readonly reader: StreamReader; readonly writer: StreamWriter };
  /** The connection as the network has it. */
  readonly held: MemoryConnection;
}

/** A connection from "alice" to "web". */
async function connected(options: MemoryNetworkOptions = {}): Promise<Pair> {
  const network = memoryNetwork(options);
  const accepted = new Promise<Pair["server"]>((resolve) => {
    void startServer((reader, writer) => resolve({ reader, writer }), "web", 80, { network });
  });
  await turns(1);
  const client = await openConnection("web", 80, { network: network.host("alice") });
  return { network, client, server: await accepted, held: network.connections[0]! };
}

/** What can be read up to the end or the error, and the error. */
async function readAll(
  reader: StreamReader,
  onText: (text: string) => void = () => {},
): Promise<[text: string, errorName: string | undefined]> {
  let text = "";
  try {
    for (;;) {
      const chunk = await reader.read(1_000);
      if (chunk.length === 0) return [text, undefined];
      text += chunk.toString();
      onText(text);
    }
  } catch (error) {
    return [text, (error as Error).name];
  }
}

const RESET = "ConnectionResetError";

describe("reset()", () => {
  it("gives both ends a ConnectionResetError behind what has arrived; what is on its way is lost", async () => {
    const { network, client, server, held } = await connected({ latency: 10 });
    client.writer.write("arrived");
    await network.clock.advance(10);
    client.writer.write(" lost");
    await network.clock.advance(9);
    held.reset();
    assert.deepEqual(await readAll(server.reader), ["arrived", RESET]);
    assert.deepEqual(await readAll(client.reader), ["", RESET]);
    await assert.rejects(client.writer.drain(), { name: RESET, code: "ECONNRESET" });
    assert.equal(network.connections.length, 0);
    assert.equal(network.clock.pending, 0);
  });

  it("ends whoever is held back in writing, and is told behind the bytes that a paused end has not read", async () => {
    const { client, server, held } = await connected({ capacity: 100 });
    server.writer.transport.pauseReading();
    client.writer.transport.setWriteBufferLimits({ high: 10 });
    client.writer.write(patternBytes(1_000));
    const draining = assert.rejects(client.writer.drain(), { name: RESET });
    await turns(2);
    held.reset();
    await draining;
    server.writer.transport.resumeReading();
    await assert.rejects(server.reader.readExactly(101), { name: RESET });
    assert.equal(server.reader.bufferedBytes, 100);
  });

  it("again does nothing", async () => {
    const { client, held } = await connected();
    held.reset();
    held.reset();
    assert.deepEqual(await readAll(client.reader), ["", RESET]);
    held.reset();
  });
});

describe("resetAfter()", () => {
  const conditions: readonly MemoryNetworkOptions[] = [
    {},
    { latency: 7, jitter: 5 },
    { fragment: 3 },
    { latency: 7, bandwidth: 500, fragment: 4, seed: 3 },
  ];
  /** 10 bytes to the server, then 10 back. */
  const REQUEST = "request 1\n";
  const ANSWER = "answer 12\n";

  async function conversation(options: MemoryNetworkOptions, cut: number, direction?: Direction) {
    const network = memoryNetwork({
      ...options,
      onConnection: (connection) => connection.resetAfter(cut, direction),
    });
    const serving = new Promise<[string, string | undefined]>((resolve) => {
      const serve = async (reader: StreamReader, writer: StreamWriter) => {
        resolve(await readAll(reader, (text) => void (text === REQUEST && writer.write(ANSWER))));
      };
      void startServer(serve, "web", 80, { network });
    });
    await turns(1);
    const { reader, writer } = await openConnection("web", 80, { network });
    writer.write(REQUEST);
    const atClient = await readAll(reader, (text) => void (text === ANSWER && writer.writeEof()));
    return { atServer: await serving, atClient };
  }

  /** By the direction that is counted: how many bytes get there and back when it is cut after so many. */
  const arriving: Readonly<Record<string, (cut: number) => [there: number, back: number]>> = {
    toServer: (cut) => [cut, 0],
    toClient: (cut) => [cut === 0 ? 0 : 10, cut],
    undefined: (cut) => [Math.min(cut, 10), Math.max(0, cut - 10)],
  };

  for (const options of conditions) {
    for (const direction of [undefined, "toServer", "toClient"] as const) {
      const counted = direction ?? "both directions together";
      it(`cuts at every byte, exactly, of ${counted}: ${JSON.stringify(options)}`, async () => {
        for (let cut = 0; cut <= (direction === undefined ? 20 : 10); cut++) {
          const [there, back] = arriving[`${direction}`]!(cut);
          assert.deepEqual(
            await conversation(options, cut, direction),
            { atServer: [REQUEST.slice(0, there), RESET], atClient: [ANSWER.slice(0, back), RESET] },
            `cut at ${cut}`,
          );
        }
      });
    }
  }

  it("does nothing to a connection that ends before", async () => {
    assert.deepEqual(await conversation({}, 21), {
      atServer: [REQUEST, undefined],
      atClient: [ANSWER, undefined],
    });
  });

  it("counts from the beginning: with more than that carried already it cuts at once", async () => {
    const { client, server, held } = await connected();
    client.writer.write("0123456789");
    await server.reader.readExactly(10);
    held.resetAfter(10);
    assert.deepEqual(await readAll(server.reader), ["", RESET]);
  });

  it("of several the first that is reached cuts", async () => {
    const { client, server, held } = await connected();
    held.resetAfter(100);
    held.resetAfter(5, "toServer");
    held.resetAfter(3, "toClient");
    client.writer.write("0123456789");
    assert.deepEqual(await readAll(server.reader), ["01234", RESET]);
  });
});

describe("stall() and resume()", () => {
  for (const options of [{}, { latency: 10 }, { fragment: 2 }]) {
    it(`hold back everything, also an end, and lose nothing: ${JSON.stringify(options)}`, async () => {
      const { network, client, server, held } = await connected(options);
      held.stall();
      client.writer.write("bytes");
      client.writer.writeEof();
      server.writer.write("back");
      await network.clock.advance(100_000);
      const reading = server.reader.read();
      assert.equal(await isPending(reading), true);
      assert.equal(client.reader.bufferedBytes, 0);
      held.resume();
      assert.equal((await reading).toString(), "bytes");
      assert.equal((await client.reader.readExactly(4)).toString(), "back");
    });
  }

  it("one direction alone", async () => {
    const { client, server, held } = await connected();
    held.stall("toClient");
    client.writer.write("there");
    server.writer.write("back");
    assert.equal((await server.reader.readExactly(5)).toString(), "there");
    const reading = client.reader.readExactly(4);
    assert.equal(await isPending(reading), true);
    held.resume("toServer");
    assert.equal(await isPending(reading), true);
    held.resume("toClient");
    await reading;
  });

  it("hold back who writes once capacity bytes are on their way", async () => {
    const { network, client, server, held } = await connected({ capacity: 1_000 });
    held.stall("toServer");
    client.writer.transport.setWriteBufferLimits({ high: 0 });
    client.writer.write(patternBytes(1_500));
    await assert.rejects(client.writer.drain({ timeout: 60_000 }), { name: "TimeoutError" });
    assert.equal(network.clock.now(), 60_000);
    assert.equal(client.writer.transport.getWriteBufferSize(), 500);
    held.resume();
    assert.ok((await server.reader.readExactly(1_500)).equals(patternBytes(1_500)));
  });
});

describe("halfOpen()", () => {
  it("nothing arrives any more, and nobody is told; each end can close for itself", async () => {
    const { network, client, server, held } = await connected({ latency: 10 });
    client.writer.write("on its way");
    held.halfOpen();
    server.writer.write("into the void");
    server.writer.transport.abort();
    await server.writer.waitClosed();
    await assert.rejects(client.reader.readLine({ timeout: 86_400_000 }), { name: "TimeoutError" });
    assert.equal(client.writer.isClosing(), false);
    held.resume();
    client.writer.write("still unheard");
    await client.writer.drain();
    assert.equal(network.connections.length, 1);
    client.writer.close();
    await client.writer.waitClosed();
    assert.equal(network.connections.length, 0);
    assert.equal(network.clock.pending, 0);
  });
});

describe("partition() and heal()", () => {
  it("connections stall, and go on after the end of it", async () => {
    const { network, client, server } = await connected({ latency: 10 });
    client.writer.write("before ");
    await network.clock.advance(5);
    network.partition("alice", "web");
    client.writer.write("after");
    client.writer.close();
    await network.clock.advance(3_600_000);
    const reading = server.reader.read();
    assert.equal(await isPending(reading), true);
    network.heal("web", "alice");
    assert.equal((await reading).toString(), "before after");
  });

  it("connecting hangs, goes on after the end of it, and can be given up", async () => {
    const network = memoryNetwork();
    await startServer((_, writer) => writer.close(), "web", 80, { network });
    network.partition("alice", "WEB");
    const alice = network.host("alice");
    await assert.rejects(openConnection("web", 80, { network: alice, timeout: 30_000 }), {
      name: "TimeoutError",
    });
    assert.equal(network.clock.now(), 30_000);
    const opening = openConnection("web", 80, { network: alice });
    await network.clock.advance(3_600_000);
    assert.equal(await isPending(opening), true);
    assert.equal(network.connections.length, 0);
    network.heal();
    assert.deepEqual(await readAll((await opening).reader), ["", undefined]);
  });

  it("is between these two hosts only; heal() without names ends every one", async () => {
    const network = memoryNetwork();
    await startServer((_, writer) => writer.close(), "web", 80, { network });
    const [alice, bob] = [network.host("alice"), network.host("bob")];
    network.partition("alice", "web");
    network.partition("bob", "web");
    network.heal("bob", "web");
    await openConnection("web", 80, { network: bob });
    await openConnection("web", 80, { network });
    const opening = openConnection("web", 80, { network: alice });
    assert.equal(await isPending(opening), true);
    network.heal();
    await opening;
  });

  it("heal() leaves what was stalled stalled, and resume() what is partitioned", async () => {
    const { network, client, server, held } = await connected();
    const reading = server.reader.readExactly(1);
    held.stall();
    network.partition("alice", "web");
    client.writer.write("x");
    network.heal();
    assert.equal(await isPending(reading), true);
    network.partition("alice", "web");
    held.resume();
    assert.equal(await isPending(reading), true);
    network.heal();
    await reading;
  });
});

describe("the end of a connection in memory", () => {
  it("who closes with bytes unread resets, as TCP does", async () => {
    const { client, server } = await connected();
    server.writer.transport.pauseReading();
    client.writer.write("unread");
    await turns(2);
    server.writer.close();
    assert.deepEqual(await readAll(client.reader), ["", RESET]);
  });

  it("bytes that meet a closed end are answered with a reset, after a way there and a way back", async () => {
    const { network, client, server } = await connected({ latency: 10 });
    server.writer.close();
    await client.reader.read();
    const before = network.clock.now();
    client.writer.write("too late");
    await assert.rejects(client.writer.waitClosed(), { name: "BrokenPipeError", code: "EPIPE" });
    assert.equal(network.clock.now(), before + 20);
  });
});

describe("the arguments of faults", () => {
  it("are refused when wrong, with the value", async () => {
    const { held } = await connected();
    for (const bytes of [-1, 0.5, Number.NaN]) assert.throws(() => held.resetAfter(bytes), RangeError);
    assert.throws(() => held.resetAfter("1" as never), TypeError);
    for (const call of ["stall", "resume"] as const) {
      assert.throws(() => held[call]("up" as Direction), { name: "RangeError", message: /"up"/ });
      assert.throws(() => held[call](1 as never), TypeError);
    }
    assert.throws(() => held.resetAfter(1, "up" as Direction), RangeError);
  });
});
