import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  openConnection,
  openUnixConnection,
  startServer,
  startUnixServer,
  type Connection,
  type Network,
  type StreamReader,
  type StreamWriter,
} from "asyncio-streams";
import { memoryNetwork, type MemoryNetworkOptions } from "asyncio-streams/testing";
import { portOf } from "../support/addresses.js";
import { patternBytes } from "../support/bytes.js";
import { makeAuthority } from "../support/certificates.js";
import { packageRoot } from "../support/package-root.js";
import { isPending, turns } from "../support/turns.js";

async function echo(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for await (const line of reader) writer.write(line);
}

async function ask({ reader, writer }: Connection, question: string): Promise<string> {
  writer.write(`${question}\n`);
  return (await reader.readLine()).toString().trimEnd();
}

/** Sends what it knows of the connection, and closes. */
function tellAddresses(_reader: StreamReader, writer: StreamWriter): void {
  writer.write(JSON.stringify([writer.getExtraInfo("peername"), writer.getExtraInfo("sockname")]));
  writer.close();
}

async function addressesSeen(host: string, port: number, network: Network): Promise<unknown> {
  const { reader } = await openConnection(host, port, { network });
  return JSON.parse((await reader.read()).toString());
}

describe("memoryNetwork(): names", () => {
  it("serves and connects by any name, with a port of its own for port 0", async () => {
    const network = memoryNetwork();
    const server = await startServer(echo, "db.internal", 0, { network });
    const port = portOf(server);
    assert.ok(port > 0);
    const connection = await openConnection("DB.internal", port, { network });
    assert.equal(await ask(connection, "who"), "who");
    assert.deepEqual(connection.writer.getExtraInfo("peername"), ["10.0.0.2", port]);
  });

  it("a name that nobody has served at is a NameResolutionError, a known host without listener a ConnectionRefusedError", async () => {
    const network = memoryNetwork();
    await assert.rejects(openConnection("nowhere", 80, { network }), {
      name: "NameResolutionError",
      code: "ENOTFOUND",
    });
    const server = await startServer(echo, "web", 80, { network });
    const refused = { name: "ConnectionRefusedError", code: "ECONNREFUSED" };
    await assert.rejects(openConnection("web", 81, { network }), refused);
    server.close();
    await assert.rejects(openConnection("web", 80, { network }), refused);
    await assert.rejects(openConnection("10.9.9.9", 80, { network }), { code: "EHOSTUNREACH" });
  });

  it("host() gives a view whose connections come from that host, and whose localhost it is", async () => {
    const network = memoryNetwork();
    const [alice, bob] = [network.host("alice"), network.host("bob")];
    await startServer(tellAddresses, null, 80, { network: alice });
    await startServer(tellAddresses, "localhost", 81, { network: bob });

    const seen = (await addressesSeen("alice", 80, bob)) as [[string, number], [string, number]];
    assert.deepEqual(
      seen.map(([address]) => address),
      ["10.0.0.3", "10.0.0.2"],
    );
    for (const local of ["localhost", "127.0.0.1", "::1"]) {
      const [peer] = (await addressesSeen(local, 80, alice)) as [[string, number]];
      assert.match(peer[0], /^(127\.0\.0\.1|::1)$/);
    }
    await assert.rejects(openConnection("localhost", 80, { network: bob }), { code: "ECONNREFUSED" });
    await assert.rejects(openConnection("bob", 81, { network: alice }), { code: "ECONNREFUSED" });
    await addressesSeen("localhost", 81, bob);
  });

  it("a view serves on its own host only, the network on any", async () => {
    const network = memoryNetwork();
    const alice = network.host("alice");
    await startServer(echo, "alice", 80, { network: alice });
    await startServer(echo, "bob", 80, { network });
    await assert.rejects(startServer(echo, "bob", 81, { network: alice }), { code: "EADDRNOTAVAIL" });
    await assert.rejects(startServer(echo, "carol", 80, { network: alice }), { code: "ENOTFOUND" });
  });

  it("an address can be had once, and again when it is free", async () => {
    const network = memoryNetwork();
    const server = await startServer(echo, "web", 80, { network });
    await assert.rejects(startServer(echo, "web", 80, { network }), { code: "EADDRINUSE" });
    await startServer(echo, "other", 80, { network });
    server.close();
    const any = await startServer(echo, null, 80, { network });
    await assert.rejects(startServer(echo, "127.0.0.1", 80, { network }), { code: "EADDRINUSE" });
    any.close();
    await startServer(echo, "127.0.0.1", 80, { network });
    await startServer(echo, "web", 80, { network });
  });

  it("gives no port to two servers, and goes on from the first when all were given", async () => {
    const network = memoryNetwork();
    const first = await startServer(echo, "web", 0, { network });
    for (let count = 0; count < 16_384; count++) {
      const server = await startServer(echo, "web", 0, { network });
      assert.notEqual(portOf(server), portOf(first));
      server.close();
    }
  });

  it("localAddr must be an address of the host", async () => {
    const network = memoryNetwork();
    const alice = network.host("alice");
    await startServer(tellAddresses, "web", 80, { network });
    const { reader } = await openConnection("web", 80, { network: alice, localAddr: ["alice", 7] });
    assert.match((await reader.read()).toString(), /^\[\["10\.0\.0\.2",7\]/);
    await assert.rejects(openConnection("web", 80, { network: alice, localAddr: ["web", 0] }), {
      code: "EADDRNOTAVAIL",
    });
  });

  it("has Unix sockets, on each host its own", async () => {
    const network = memoryNetwork();
    const alice = network.host("alice");
    const server = await startUnixServer(echo, "/run/s", { network: alice });
    assert.equal(await ask(await openUnixConnection("/run/s", { network: alice }), "hello"), "hello");
    const missing = { name: "FileNotFoundError", code: "ENOENT" };
    await assert.rejects(openUnixConnection("/run/s", { network }), missing);

    const second = await startUnixServer(tellAddresses, "/run/s", { network: alice, cleanupSocket: false });
    server.close();
    const { reader } = await openUnixConnection("/run/s", { network: alice });
    assert.equal((await reader.read()).toString(), '["","/run/s"]');
    second.close();
    await assert.rejects(openUnixConnection("/run/s", { network: alice }), { code: "ECONNREFUSED" });
    (await startUnixServer(echo, "/run/s", { network: alice })).close();
    await assert.rejects(openUnixConnection("/run/s", { network: alice }), missing);
  });

  it("connections lists those that live, in the order of connecting, with hosts, port and path", async () => {
    const network = memoryNetwork();
    const alice = network.host("alice");
    await startServer(echo, "web", 80, { network });
    await startUnixServer(echo, "/s", { network });
    const first = await openConnection("web", 80, { network: alice });
    await openUnixConnection("/s", { network });
    const shown = () => network.connections.map(({ from, to, port, path }) => [from, to, port ?? path]);
    assert.deepEqual(shown(), [
      ["alice", "web", 80],
      ["localhost", "localhost", "/s"],
    ]);
    first.writer.close();
    await first.writer.waitClosed();
    await turns(2);
    assert.deepEqual(shown(), [["localhost", "localhost", "/s"]]);
  });
});

describe("memoryNetwork(): time and conditions", () => {
  it("latency is how long each way takes: a connection stands after two, an answer comes after two more", async () => {
    const network = memoryNetwork({ latency: 25 });
    await startServer(echo, "web", 80, { network });
    const connection = await openConnection("web", 80, { network });
    assert.equal(network.clock.now(), 50);
    await ask(connection, "question");
    assert.equal(network.clock.now(), 100);
    await assert.rejects(openConnection("web", 81, { network }), { code: "ECONNREFUSED" });
    assert.equal(network.clock.now(), 150);
  });

  it("jitter adds to the latency up to its size, as the seed has it, and keeps the order", async () => {
    const times = async (seed: number) => {
      const network = memoryNetwork({ seed, latency: 10, jitter: 40 });
      const arrivals: [line: string, time: number][] = [];
      await startServer(
        async (reader) => {
          for await (const line of reader) arrivals.push([line.toString().trim(), network.clock.now()]);
        },
        "web",
        80,
        { network },
      );
      const { writer } = await openConnection("web", 80, { network });
      const sentAt: number[] = [];
      for (let index = 0; index < 50; index++) {
        sentAt.push(network.clock.now());
        writer.write(`${index}\n`);
        await network.clock.advance(1);
      }
      await network.clock.advance(100);
      assert.deepEqual(
        arrivals.map(([line]) => Number(line)),
        sentAt.map((_, index) => index),
      );
      const delays = arrivals.map(([, time], index) => time - sentAt[index]!);
      assert.ok(Math.min(...delays) >= 10 && Math.max(...delays) <= 50, delays.join());
      assert.ok(new Set(delays).size > 5, delays.join());
      return delays;
    };
    assert.deepEqual(await times(1), await times(1));
    assert.notDeepEqual(await times(1), await times(2));
  });

  it("bandwidth is how many bytes a second pass in each direction", async () => {
    const network = memoryNetwork({ bandwidth: 1_000, latency: 5 });
    const times: number[] = [];
    await startServer(
      async (reader, writer) => {
        writer.write(patternBytes(2_000));
        await reader.readExactly(2_000);
        times.push(network.clock.now());
      },
      "web",
      80,
      { network },
    );
    const { reader, writer } = await openConnection("web", 80, { network });
    writer.write(patternBytes(2_000));
    await reader.readExactly(2_000);
    assert.equal(network.clock.now(), 2_010);
    await network.clock.advance(100);
    assert.deepEqual(times, [2_015]);
  });

  for (const options of [{ fragment: 7 }, { fragment: 7, latency: 3 }] satisfies MemoryNetworkOptions[]) {
    it(`fragment is the largest piece in which bytes arrive: ${JSON.stringify(options)}`, async () => {
      const network = memoryNetwork(options);
      await startServer((_, writer) => writer.write(patternBytes(500)), "web", 80, { network });
      const { reader } = await openConnection("web", 80, { network });
      const pieces: Buffer[] = [];
      for (let size = 0; size < 500; size += pieces.at(-1)!.length) pieces.push(await reader.read(500));
      assert.ok(Buffer.concat(pieces).equals(patternBytes(500)));
      const sizes = [...new Set(pieces.map((piece) => piece.length))].sort((a, b) => a - b);
      assert.deepEqual(sizes, [1, 2, 3, 4, 5, 6, 7]);
    });
  }

  it("capacity is how many bytes are on their way and unread before who writes is held back", async () => {
    for (const options of [{ capacity: 1_000 }, { capacity: 1_000, latency: 20 }, {}]) {
      const network = memoryNetwork(options);
      const { capacity = 65_536 } = options;
      let serverWriter!: StreamWriter;
      await startServer(
        (_, writer) => {
          serverWriter = writer;
          writer.transport.pauseReading();
        },
        "web",
        80,
        { network },
      );
      const { writer } = await openConnection("web", 80, { network });
      writer.transport.setWriteBufferLimits({ high: 0 });
      writer.write(patternBytes(capacity - 10));
      await turns(3);
      writer.write(patternBytes(20));
      await turns(3);
      assert.equal(writer.transport.getWriteBufferSize(), 10);
      await network.clock.advance(1_000);
      assert.equal(writer.transport.getWriteBufferSize(), 10);
      serverWriter.transport.resumeReading();
      await writer.drain();
    }
  });

  it("a time-out of an hour takes no time, in the code under test as it is", async () => {
    const network = memoryNetwork();
    await startServer(() => {}, "silent", 80, { network });
    const { reader } = await openConnection("silent", 80, { network });
    await assert.rejects(reader.readLine({ timeout: 3_600_000 }), { name: "TimeoutError" });
    assert.equal(network.clock.now(), 3_600_000);
    assert.equal(network.clock.pending, 0);
  });

  it("deadline() goes by the clock of the network", async () => {
    const network = memoryNetwork();
    await startServer(() => {}, "silent", 80, { network });
    const { reader } = await openConnection("silent", 80, { network });
    using limit = network.deadline(90_000);
    limit.extend(10_000);
    await assert.rejects(reader.readLine({ signal: limit.signal }), { name: "TimeoutError" });
    assert.equal(network.clock.now(), 100_000);
  });

  it("with autoAdvance: false time stands still but for advance()", async () => {
    const network = memoryNetwork({ autoAdvance: false, latency: 10 });
    await startServer(echo, "web", 80, { network });
    const opening = openConnection("web", 80, { network });
    await turns(50);
    assert.equal(await isPending(opening), true);
    await network.clock.advance(20);
    const answer = ask(await opening, "x");
    await network.clock.advance(19);
    assert.equal(await isPending(answer), true);
    await network.clock.advance(1);
    assert.equal(await answer, "x");
    assert.equal(network.clock.now(), 40);
  });

  it("needs no clock without latency, also in fragments", async () => {
    const network = memoryNetwork({ autoAdvance: false, fragment: 1 });
    await startServer(echo, "web", 80, { network });
    assert.equal(await ask(await openConnection("web", 80, { network }), "in pieces"), "in pieces");
    assert.equal(network.clock.now(), 0);
  });

  it("time moves also while somebody writes in every turn", async () => {
    const network = memoryNetwork({ latency: 10 });
    await startServer((_, writer) => writer.transport.abort(), "web", 80, { network });
    const { writer } = await openConnection("web", 80, { network });
    for (let turn = 0; !writer.isClosing(); turn++) {
      assert.ok(turn < 10_000, "time stood still");
      writer.write("x");
      await turns(1);
    }
  });

  it("a connection that is aborted on its way leaves nothing", async () => {
    const network = memoryNetwork({ latency: 30 });
    const served: Connection["reader"][] = [];
    await startServer((reader) => void served.push(reader), "web", 80, { network });
    for (const [timeout, arrives] of [
      [20, false],
      [45, true],
    ] as const) {
      await assert.rejects(openConnection("web", 80, { network, timeout }), { name: "TimeoutError" });
      await network.clock.advance(1_000);
      assert.equal(served.length, arrives ? 1 : 0);
      assert.equal(network.clock.pending, 0);
    }
    assert.equal((await served[0]!.read()).length, 0);
  });

  it("the connections of happy eyeballs race by its clock", async () => {
    const network = memoryNetwork({ latency: 400 });
    await startServer(echo, "localhost", 80, { network });
    await openConnection("localhost", 80, { network, happyEyeballsDelay: 250 });
    assert.equal(network.clock.now(), 800);
    await network.clock.advance(2_000);
    assert.equal(network.connections.length, 1);
  });
});

describe("memoryNetwork(): TLS", () => {
  const authority = makeAuthority();

  it("carries TLS, with latency and in fragments", async () => {
    const network = memoryNetwork({ latency: 15, fragment: 300 });
    await startServer(echo, "127.0.0.1", 443, { network, ssl: authority.issue() });
    const connection = await openConnection("127.0.0.1", 443, { network, ssl: { ca: authority.cert } });
    assert.equal(await ask(connection, "secret"), "secret");
    connection.writer.close();
    await connection.writer.waitClosed();
  });

  it("its limits go by the clock of the network: handshake and shutdown", async () => {
    const network = memoryNetwork();
    await startServer(() => {}, "mute", 443, { network });
    await assert.rejects(
      openConnection("mute", 443, { network, ssl: { ca: authority.cert }, serverHostname: "127.0.0.1" }),
      { name: "TlsHandshakeTimeoutError" },
    );
    assert.equal(network.clock.now(), 60_000);

    await startServer(echo, "127.0.0.1", 444, { network, ssl: authority.issue() });
    const { reader, writer } = await openConnection("127.0.0.1", 444, {
      network,
      ssl: { ca: authority.cert },
      sslShutdownTimeout: 5_000,
    });
    writer.write("x\n");
    await reader.readLine();
    network.connections.at(-1)!.stall();
    const before = network.clock.now();
    writer.close();
    await assert.rejects(writer.waitClosed(), { name: "TlsShutdownTimeoutError" });
    assert.equal(network.clock.now(), before + 5_000);
  });

  it("TLS inside TLS has the same clock", async () => {
    const network = memoryNetwork();
    await startServer(() => {}, "127.0.0.1", 443, { network, ssl: authority.issue() });
    const { writer } = await openConnection("127.0.0.1", 443, { network, ssl: { ca: authority.cert } });
    await assert.rejects(writer.startTls({ ca: authority.cert }, { sslHandshakeTimeout: 7_000 }), {
      name: "TlsHandshakeTimeoutError",
    });
    assert.equal(network.clock.now(), 7_000);
  });
});

describe("memoryNetwork(): the seed", () => {
  /** All that happens in a busy run, with its time. */
  async function busyRun(seed: number): Promise<string[]> {
    const network = memoryNetwork({ seed, latency: 5, jitter: 30, bandwidth: 50_000, fragment: 40 });
    const events: string[] = [];
    const record = (what: string) => void events.push(`${network.clock.now()} ${what}`);
    await startServer(
      async (reader, writer) => {
        const name = String(writer.getExtraInfo("peername"));
        for await (const chunk of chunksOf(reader)) {
          record(`server got ${chunk.length} of ${name}`);
          writer.write(chunk);
          await writer.drain();
        }
      },
      "hub",
      80,
      { network, onError: (error) => record(`server failed with ${(error as Error).name}`) },
    );
    const client = async (index: number) => {
      const { reader, writer } = await openConnection("hub", 80, { network: network.host(`host ${index}`) });
      record(`${index} connected`);
      const connection = network.connections.find(({ from }) => from === `host ${index}`)!;
      if (index % 3 === 0) connection.resetAfter(900 + index);
      try {
        for (let round = 0; round < 5; round++) {
          writer.write(patternBytes(100 * index + 50, round));
          for (let left = 100 * index + 50; left > 0;) {
            const chunk = await reader.read(left, { timeout: 400 });
            record(`${index} got ${chunk.length}`);
            left -= chunk.length;
          }
        }
        writer.close();
        await writer.waitClosed();
        record(`${index} closed`);
      } catch (error) {
        record(`${index} failed with ${(error as Error).name}`);
        writer.transport.abort();
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, index) => client(index + 1)));
    return events;
  }

  it("equal seeds give equal runs, others do not", async () => {
    const [first, second, other] = [await busyRun(7), await busyRun(7), await busyRun(8)];
    assert.ok(first.length > 300, `only ${first.length} events`);
    assert.deepEqual(second, first);
    assert.notDeepEqual(other, first);
    for (const outcome of ["closed", "ConnectionResetError"]) {
      assert.ok(
        first.some((event) => event.endsWith(outcome)),
        outcome,
      );
    }
  });

  it("is the only source of chance, and the clock the only one of time", () => {
    const folder = join(packageRoot, "src/testing");
    const sources = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
      (name) => name.startsWith("network") || /^(virtual-clock|random|event-loop)/.test(name),
    );
    const found = sources
      .filter((name) => name.endsWith(".ts"))
      .filter((name) =>
        /Math\.random|\bDate\b|setTimeout|setInterval|performance/.test(
          readFileSync(join(folder, name), "utf8"),
        ),
      );
    assert.deepEqual(found, []);
    assert.ok(sources.length > 8);
  });
});

async function* chunksOf(reader: StreamReader): AsyncGenerator<Buffer> {
  for (let chunk = await reader.read(64); chunk.length > 0; chunk = await reader.read(64)) yield chunk;
}

describe("memoryNetwork(): arguments", () => {
  const WRONG: readonly [options: object, error: typeof TypeError | typeof RangeError][] = [
    [{ seed: 1.5 }, RangeError],
    [{ seed: "1" }, TypeError],
    [{ latency: -1 }, RangeError],
    [{ latency: "1" }, TypeError],
    [{ jitter: Number.NaN }, RangeError],
    [{ bandwidth: 0 }, RangeError],
    [{ bandwidth: Number.NaN }, RangeError],
    [{ bandwidth: "fast" }, TypeError],
    [{ fragment: 0 }, RangeError],
    [{ capacity: 0 }, RangeError],
    [{ autoAdvance: 1 }, TypeError],
    [{ onConnection: 1 }, TypeError],
    [{ speed: 1 }, TypeError],
  ];
  for (const [options, ErrorClass] of WRONG) {
    it(`refuses ${JSON.stringify(options)} with ${ErrorClass.name}`, () => {
      assert.throws(() => memoryNetwork(options), ErrorClass);
    });
  }

  it("host(), partition() and heal() refuse what is no name", () => {
    const network = memoryNetwork();
    for (const [name, ErrorClass] of [
      [undefined, TypeError],
      [7, TypeError],
      ["", RangeError],
      ["a\0b", RangeError],
    ] as const) {
      assert.throws(() => network.host(name as string), ErrorClass);
      assert.throws(() => network.partition("a", name as string), ErrorClass);
      assert.throws(() => network.heal(name as string, "a"), name === undefined ? TypeError : ErrorClass);
    }
  });

  it("openConnection(), startServer() and the Unix twins refuse as network what is none, with the value", async () => {
    const calls = [
      (network: Network) => openConnection("web", 80, { network }),
      (network: Network) => startServer(echo, "web", 80, { network }),
      (network: Network) => openUnixConnection("/s", { network }),
      (network: Network) => startUnixServer(echo, "/s", { network }),
    ];
    for (const call of calls) {
      for (const [wrong, shown] of [
        [{}, "an instance of Object"],
        [null, "null"],
        ["net", 'string "net"'],
      ] as const) {
        await assert.rejects(call(wrong as Network), {
          name: "TypeError",
          message: `network must be one that memoryNetwork() has made, not ${shown}`,
        });
      }
    }
  });

  it("what a network does not have is refused: sockets to take over, shared ports", async () => {
    const network = memoryNetwork();
    await assert.rejects(openConnection({ network, sock: {} as never }), TypeError);
    await assert.rejects(startServer(echo, { network, sock: { fd: 3 } }), { name: "NotImplementedError" });
    await assert.rejects(startServer(echo, "web", 80, { network, reusePort: true }), {
      name: "NotImplementedError",
    });
  });
});
