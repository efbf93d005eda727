import assert from "node:assert/strict";
import dns from "node:dns";
import { createSocket } from "node:dgram";
import { getEventListeners, once } from "node:events";
import { rename, writeFile } from "node:fs/promises";
import { createServer, Socket, type AddressInfo, type Server as NetServer } from "node:net";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";
import { TLSSocket } from "node:tls";
import { pathToFileURL } from "node:url";
import {
  ConnectionAttemptsError,
  ConnectionRefusedError,
  FileNotFoundError,
  InvalidStateError,
  LimitOverrunError,
  NameResolutionError,
  openConnection,
  openUnixConnection,
  OSError,
  socketPair,
  startServer,
  startUnixServer,
  TimeoutError,
  type LookupFunction,
  type OpenConnectionOptions,
  type StreamReader,
  type StreamWriter,
} from "asyncio-streams";
import { nodeBackend } from "#src/backends/node/backend.js";
import { Network } from "#src/transport/network.js";
import { memoryNetwork, VirtualClock } from "asyncio-streams/testing";
import type { Backend, HostAddress } from "#src/transport/backend.js";
import { portOf } from "./support/addresses.js";
import { cleanups } from "./support/cleanup.js";
import { nextTurn } from "./support/turns.js";
import { temporaryFolder } from "./support/folders.js";
import { hangingPort } from "./support/hanging-listener.js";
import { watchResources } from "./support/open-resources.js";

const cleanup = cleanups();

/** An address for documentation (RFC 5737), which no machine has. */
const NOT_OURS = "203.0.113.1";

/** Answers a line with the same line. */
async function echo(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for await (const line of reader) writer.write(line);
}

/** The port of an echo server. At other addresses of 127.0.0.0/8 the same port refuses. */
async function echoPort(host = "127.0.0.1"): Promise<number> {
  const server = await startServer(echo, host, 0);
  cleanup(() => server[Symbol.asyncDispose]());
  return portOf(server);
}

async function echoPath(): Promise<string> {
  const path = `${await temporaryFolder(cleanup)}/echo.sock`;
  const server = await startUnixServer(echo, path);
  cleanup(() => server[Symbol.asyncDispose]());
  return path;
}

/** Fails unless a line comes back; then closes the connection. */
async function checkEcho([reader, writer]: readonly [StreamReader, StreamWriter]): Promise<void> {
  writer.write("ping\n");
  assert.equal((await reader.readLine()).toString(), "ping\n");
  await writer[Symbol.asyncDispose]();
}

/** A lookup that knows one answer to everything. */
function answering(...addresses: string[]): LookupFunction {
  return async () => addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
}

async function failureOf(opening: Promise<readonly [StreamReader, StreamWriter]>): Promise<Error> {
  try {
    const [, writer] = await opening;
    writer.transport.abort();
  } catch (error) {
    assert.ok(error instanceof Error);
    return error;
  }
  return assert.fail("connected");
}

describe("openConnection()", () => {
  for (const host of ["127.0.0.1", "::1"]) {
    it(`connects to ${host}`, async () => {
      const port = await echoPort(host);
      const connection = await openConnection(host, port);
      const [peerHost, peerPort] = connection.writer.getExtraInfo("peername") as readonly [string, number];
      assert.deepEqual([peerHost, peerPort], [host, port]);
      await checkEcho(connection);
    });
  }

  it("takes a port as a string of digits", async () => {
    await checkEcho(await openConnection("127.0.0.1", String(await echoPort())));
  });

  it("takes no host for the loopback, of both families or one (59)", async () => {
    await checkEcho(await openConnection(undefined, await echoPort("::1")));
    await checkEcho(await openConnection(null, await echoPort(), { family: 4 }));
  });

  it("takes an empty port for port 0, as no port (59)", async () => {
    for (const port of ["", null, undefined]) {
      const failure = await failureOf(openConnection("127.0.0.1", port));
      assert.match(failure.message, /\('127\.0\.0\.1', 0\)/);
    }
    const options = { family: 4 } as const;
    assert.match((await failureOf(openConnection(null, "", options))).message, /\('127\.0\.0\.1', 0\)/);
  });

  it("looks names up, of the family that is asked for (59)", async () => {
    const port = await echoPort();
    await checkEcho(await openConnection("localhost", port, { family: 4, flags: dns.ADDRCONFIG }));
    await checkEcho(await openConnection("localhost", port, { family: 4, lookup: dns.lookup }));
  });

  it("rejects with a NameResolutionError for a name without an address (59)", async () => {
    const nothingLeft = await watchResources();
    const failure = await failureOf(openConnection("no-such-host.invalid", 80));
    assert.ok(failure instanceof NameResolutionError);
    assert.equal(failure.syscall, "getaddrinfo");
    assert.ok(failure.cause instanceof Error);
    await nothingLeft();
  });

  it("accepts TCP as proto", async () => {
    for (const proto of [0, 6] as const) {
      await checkEcho(await openConnection("127.0.0.1", await echoPort(), { proto }));
    }
  });

  it("gives its reader the limit", async () => {
    const network = memoryNetwork();
    const server = await startServer(async (_reader, writer) => writer.write("12345"), "127.0.0.1", 80, {
      network,
    });
    cleanup(() => server[Symbol.asyncDispose]());
    const [reader, writer] = await openConnection("127.0.0.1", 80, { network, limit: 4 });
    cleanup(() => writer.close());
    await assert.rejects(reader.readUntil(), LimitOverrunError);
  });
});

describe("openConnection() to addresses that refuse", () => {
  it("rejects with the error of the one address, as the system gave it (64, 65)", async () => {
    const port = await echoPort();
    const nothingLeft = await watchResources();
    const failure = await failureOf(openConnection("127.0.0.2", port));
    assert.ok(failure instanceof ConnectionRefusedError);
    assert.ok(failure.message.startsWith(`Connect call failed ('127.0.0.2', ${port})`), failure.message);
    const { name, code, syscall, address, cause } = failure;
    assert.deepEqual(
      [name, code, syscall, address, failure.port],
      ["ConnectionRefusedError", "ECONNREFUSED", "connect", "127.0.0.2", port],
    );
    assert.ok(cause instanceof Error && "errno" in cause);
    assert.equal(failure.errno, cause.errno);
    assert.equal(failure.attempts?.length, 1);
    await nothingLeft();
  });

  it("rejects with their common class when all fail alike, and tells of each (61, 64)", async () => {
    const port = await echoPort();
    const nothingLeft = await watchResources();
    for (const happyEyeballsDelay of [undefined, 0, 10_000]) {
      const lookup = answering("127.0.0.2", "127.0.0.3");
      const failure = await failureOf(openConnection("x.test", port, { lookup, happyEyeballsDelay }));
      assert.ok(failure instanceof ConnectionRefusedError);
      const { attempts = [] } = failure;
      assert.deepEqual(
        attempts.map((attempt) => [attempt.address, attempt.port]),
        [
          ["127.0.0.2", port],
          ["127.0.0.3", port],
        ],
      );
      for (const { startedAt, failedAt, error } of attempts) {
        assert.ok(startedAt >= 0 && failedAt >= startedAt);
        assert.ok(error instanceof ConnectionRefusedError);
      }
      assert.deepEqual(
        failure.errors,
        attempts.map(({ error }) => error),
      );
    }
    await nothingLeft();
  });

  it("rejects with an AggregateError when they fail differently (64)", async () => {
    const port = await echoPort();
    const failure = await failureOf(
      openConnection("x.test", port, {
        lookup: answering("::1", "127.0.0.2"),
        localAddr: ["127.0.0.1", 0],
      }),
    );
    assert.ok(failure instanceof ConnectionAttemptsError && failure instanceof AggregateError);
    assert.deepEqual(
      failure.attempts.map(({ address, error }) => [address, (error as OSError).code]),
      [
        ["::1", "EADDRNOTAVAIL"],
        ["127.0.0.2", "ECONNREFUSED"],
      ],
    );
  });

  it("rejects with an AggregateError also of one, with allErrors (64)", async () => {
    const failure = await failureOf(openConnection("127.0.0.2", await echoPort(), { allErrors: true }));
    assert.ok(failure instanceof ConnectionAttemptsError && failure instanceof AggregateError);
    assert.equal(failure.code, "ECONNREFUSED");
    assert.ok(failure.errors[0] instanceof ConnectionRefusedError);
  });

  it("goes on to one that accepts (61)", async () => {
    const port = await echoPort();
    for (const happyEyeballsDelay of [undefined, 10_000]) {
      const lookup = answering("127.0.0.2", "127.0.0.1");
      await checkEcho(await openConnection("x.test", port, { lookup, happyEyeballsDelay }));
    }
  });
});

describe("openConnection() with localAddr", () => {
  async function localHost(options: OpenConnectionOptions, host = "127.0.0.1"): Promise<string> {
    const [, writer] = await openConnection(host, await echoPort(), options);
    const [name] = writer.getExtraInfo("sockname") as readonly [string, number];
    await writer[Symbol.asyncDispose]();
    return name;
  }

  it("connects from there (60)", async () => {
    assert.equal(await localHost({ localAddr: ["127.0.0.2", 0] }), "127.0.0.2");
  });

  it("looks its host up, and binds the first address that can be (60)", async () => {
    const lookup = answering("::1", NOT_OURS, "127.0.0.3", "127.0.0.2");
    assert.equal(await localHost({ localAddr: ["here.test", 0], lookup }), "127.0.0.3");
  });

  it("goes on to the next remote address when it cannot be bound for one (60)", async () => {
    const lookup: LookupFunction = async (host) =>
      (host === "here.test" ? ["127.0.0.2"] : ["::1", "127.0.0.1"]).map((address) => ({
        address,
        family: 0,
      }));
    assert.equal(await localHost({ localAddr: ["here.test", 0], lookup }, "there.test"), "127.0.0.2");
  });

  it("rejects with the last error when none can be bound (60)", async () => {
    const port = await echoPort();
    const nothingLeft = await watchResources();
    const failure = await failureOf(openConnection("127.0.0.1", port, { localAddr: [NOT_OURS, 0] }));
    assert.ok(failure instanceof OSError);
    const { code, syscall, message } = failure;
    assert.deepEqual([code, syscall], ["EADDRNOTAVAIL", "bind"]);
    assert.ok(message.startsWith(`error while attempting to bind on address ('${NOT_OURS}', 0): `), message);
    await nothingLeft();
  });

  it("rejects when none is of the remote family (60)", async () => {
    const failure = await failureOf(openConnection("127.0.0.1", await echoPort(), { localAddr: ["::1", 0] }));
    assert.equal(failure.message, "no matching local address with family=4 found");
  });
});

/** A network on which a test decides when each address accepts or refuses; `started` tells which were tried when. */
function scriptedNetwork(hosts: Record<string, readonly HostAddress[]>) {
  const clock = new VirtualClock();
  const started: string[] = [];
  const refusals = new Map<string, (error: Error) => void>();
  const backend: Backend = {
    ...nodeBackend,
    clock,
    lookup: async (host, { family }) =>
      hosts[host]!.filter((entry) => family === 0 || entry.family === family),
    connect: (endpoint, { signal }) =>
      new Promise((_resolve, reject) => {
        assert.ok(endpoint.kind === "tcp");
        started.push(`${endpoint.address} at ${clock.now()}`);
        refusals.set(endpoint.address, reject);
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
  };
  return {
    clock,
    network: new Network(backend),
    started,
    refuse: (address: string) => refusals.get(address)!(new Error("refused")),
  };
}

describe("openConnection() with happyEyeballsDelay and interleave", () => {
  const sixes = ["6a", "6b"].map((address) => ({ address, family: 6 as const }));
  const fours = ["4a", "4b"].map((address) => ({ address, family: 4 as const }));
  const orders: readonly [options: OpenConnectionOptions, order: string][] = [
    [{}, "6a 6b 4a 4b"],
    [{ interleave: 0 }, "6a 6b 4a 4b"],
    [{ interleave: 1 }, "6a 4a 6b 4b"],
    [{ interleave: 2 }, "6a 6b 4a 4b"],
    [{ happyEyeballsDelay: 250 }, "6a 4a 6b 4b"],
    [{ happyEyeballsDelay: 250, interleave: 0 }, "6a 6b 4a 4b"],
    [{ happyEyeballsDelay: 250, interleave: 1, family: 4 }, "4a 4b"],
  ];
  for (const [options, order] of orders) {
    it(`of ${JSON.stringify(options)} tries ${order} (62)`, async () => {
      const { clock, network, started, refuse } = scriptedNetwork({ "x.test": [...sixes, ...fours] });
      const opening = openConnection("x.test", 80, { ...options, network });
      for (const address of order.split(" ")) {
        await nextTurn();
        refuse(address);
      }
      await assert.rejects(opening, ConnectionAttemptsError);
      assert.deepEqual(
        started,
        order.split(" ").map((address) => `${address} at 0`),
      );
      assert.equal(clock.pending, 0);
    });
  }

  it("tries the next address after each delay (63)", async () => {
    const { clock, network, started } = scriptedNetwork({ "x.test": [...sixes, ...fours] });
    const controller = new AbortController();
    const options = { happyEyeballsDelay: 250, signal: controller.signal };
    const opening = openConnection("x.test", 80, { ...options, network });
    await clock.advance(600);
    assert.deepEqual(started, ["6a at 0", "4a at 250", "6b at 500"]);
    controller.abort("enough");
    await assert.rejects(opening, (reason) => reason === "enough");
    assert.equal(clock.pending, 0);
  });

  it("connects to the living address while the other hangs, and leaves nothing of that (63)", async () => {
    const port = await hangingPort(cleanup);
    const server = await startServer(echo, "127.0.0.2", port);
    cleanup(() => server[Symbol.asyncDispose]());
    const nothingLeft = await watchResources();
    const { signal } = new AbortController();
    const connection = await openConnection("x.test", port, {
      lookup: answering("127.0.0.1", "127.0.0.2"),
      happyEyeballsDelay: 10,
      signal,
    });
    const [peerHost] = connection.writer.getExtraInfo("peername") as readonly [string, number];
    assert.equal(peerHost, "127.0.0.2");
    assert.equal(getEventListeners(signal, "abort").length, 0);
    await checkEcho(connection);
    await nothingLeft();
  });

  it("keeps one connection when several addresses accept at once, and closes the others (63)", async () => {
    const server = await startServer(echo, "0.0.0.0", 0);
    cleanup(() => server[Symbol.asyncDispose]());
    const addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];
    let connected = 0;
    let release = () => {};
    const allConnected = new Promise<void>((resolve) => {
      release = resolve;
    });
    const backend: Backend = {
      ...nodeBackend,
      connect: async (endpoint, options) => {
        const transport = await nodeBackend.connect(endpoint, options);
        if (++connected === addresses.length) release();
        await allConnected;
        return transport;
      },
    };
    const nothingLeft = await watchResources();
    const options = { lookup: answering(...addresses), happyEyeballsDelay: 0 };
    await checkEcho(
      await openConnection("x.test", portOf(server), { ...options, network: new Network(backend) }),
    );
    assert.equal(connected, 3);
    await nothingLeft();
  });

  it("stays with an address that hangs when there is no delay (61)", async () => {
    const port = await hangingPort(cleanup);
    const server = await startServer(echo, "127.0.0.2", port);
    cleanup(() => server[Symbol.asyncDispose]());
    const lookup = answering("127.0.0.1", "127.0.0.2");
    await assert.rejects(openConnection("x.test", port, { lookup, timeout: 100 }), TimeoutError);
  });
});

describe("openConnection() that is ended early", () => {
  const hangingLookup: LookupFunction = () => new Promise(() => {});
  const stages: readonly [stage: string, target: () => Promise<[number, OpenConnectionOptions]>][] = [
    ["while looking up", async () => [80, { lookup: hangingLookup }]],
    [
      "while connecting",
      async () => [await hangingPort(cleanup), { lookup: answering("127.0.0.1", "127.0.0.1") }],
    ],
    [
      "in a race of several",
      async () => [
        await hangingPort(cleanup),
        { lookup: answering("127.0.0.1", "127.0.0.1", "127.0.0.1"), happyEyeballsDelay: 0 },
      ],
    ],
  ];
  for (const [stage, target] of stages) {
    it(`by its signal ${stage} rejects with the reason, and leaves nothing (66)`, async () => {
      const [port, options] = await target();
      const nothingLeft = await watchResources();
      const controller = new AbortController();
      const { signal } = controller;
      const opening = openConnection("x.test", port, { ...options, signal, timeout: 100_000 });
      await nextTurn();
      await nextTurn();
      const reason = new Error("enough");
      controller.abort(reason);
      await assert.rejects(opening, (error) => error === reason);
      assert.equal(getEventListeners(signal, "abort").length, 0);
      await nothingLeft();
    });

    it(`by its timeout ${stage} rejects with a TimeoutError, and leaves nothing (66)`, async () => {
      const [port, options] = await target();
      const nothingLeft = await watchResources();
      const { signal } = new AbortController();
      const failure = await failureOf(openConnection("x.test", port, { ...options, signal, timeout: 20 }));
      assert.ok(failure instanceof TimeoutError);
      const { name, code, message } = failure;
      assert.deepEqual(
        [name, code, message],
        ["TimeoutError", "ETIMEDOUT", "openConnection() did not end within 20 ms"],
      );
      assert.equal(getEventListeners(signal, "abort").length, 0);
      await nothingLeft();
    });
  }

  it("counts the time of the lookup and of connecting together", async () => {
    const { clock, network, started } = scriptedNetwork({});
    const lookup: LookupFunction = (_host, _options, callback) =>
      void clock.setTimer(30, () => callback(null, "192.0.2.4"));
    const opening = openConnection("x.test", 80, { network, lookup, timeout: 50 });
    const rejected = assert.rejects(opening, TimeoutError);
    await clock.advance(49);
    assert.deepEqual(started, ["192.0.2.4 at 30"]);
    await clock.advance(1);
    await rejected;
    assert.equal(clock.pending, 0);
  });

  it("by a signal that is aborted already starts nothing (66)", async () => {
    let asked = 0;
    const lookup: LookupFunction = async () => {
      asked++;
      return "127.0.0.1";
    };
    const nothingLeft = await watchResources();
    const signal = AbortSignal.abort("before");
    for (const host of ["x.test", "127.0.0.1"]) {
      const opening = openConnection(host, 80, { lookup, signal, timeout: 100_000 });
      await assert.rejects(opening, (reason) => reason === "before");
    }
    await assert.rejects(openUnixConnection("/nowhere", { signal }), (reason) => reason === "before");
    await nothingLeft();
    assert.equal(asked, 0);
  });

  it("by an abort at any moment while binding fails throws nothing past the caller (66)", async () => {
    const nothingLeft = await watchResources();
    for (let steps = 0; steps < 30; steps++) {
      const controller = new AbortController();
      const options = { localAddr: [NOT_OURS, 0], signal: controller.signal } as const;
      const opening = openConnection("127.0.0.1", 9, options);
      for (let step = 0; step < steps; step++) await Promise.resolve();
      process.nextTick(() => controller.abort());
      await assert.rejects(opening);
    }
    await nothingLeft();
  });

  it("is not ended any more once it has connected", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const connection = await openConnection("127.0.0.1", await echoPort(), { signal, timeout: 100_000 });
    controller.abort();
    await checkEcho(connection);
  });

  it("does not begin to connect when its backend is given an aborted signal (66)", async () => {
    const endpoint = { kind: "tcp", address: "127.0.0.1", port: await echoPort(), family: 4 } as const;
    const nothingLeft = await watchResources();
    const connecting = nodeBackend.connect(endpoint, { signal: AbortSignal.abort("before") });
    await assert.rejects(connecting, (reason) => reason === "before");
    await nothingLeft();
  });
});

/** The port and the accepted sockets of a plain server, with `onConnection` for each. */
async function plainServer(
  onConnection: (socket: Socket) => void,
  where: { host: string } | { path: string } = { host: "127.0.0.1" },
): Promise<NetServer> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    cleanup(() => socket.destroy());
    socket.on("error", () => {});
    onConnection(socket);
  });
  cleanup(() => server.close());
  server.listen("host" in where ? { ...where, port: 0 } : where);
  await once(server, "listening");
  return server;
}

async function connectedSocket(server: NetServer, options = {}): Promise<Socket> {
  const socket = new Socket(options);
  cleanup(() => socket.destroy());
  socket.connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" });
  await once(socket, "connect");
  return socket;
}

describe("openConnection() with sock", () => {
  const echoing = (socket: Socket) => void socket.pipe(socket);

  it("takes over a connected socket, and closes it with the stream (67)", async () => {
    const sock = await connectedSocket(await plainServer(echoing));
    const { localPort, remotePort } = sock;
    const connection = await openConnection({ sock });
    const { writer } = connection;
    assert.deepEqual(writer.getExtraInfo("peername"), ["127.0.0.1", remotePort]);
    assert.deepEqual(writer.getExtraInfo("sockname"), ["127.0.0.1", localPort]);
    await checkEcho(connection);
    assert.ok(sock.destroyed);
  });

  it("takes over a connected Unix socket (67)", async () => {
    const [sock, peer] = await socketPair();
    cleanup(() => peer.destroy());
    echoing(peer);
    await checkEcho(await openConnection({ sock }));
  });

  it("reads what the socket had received already, and what was pushed back (67)", async () => {
    const sock = await connectedSocket(await plainServer((socket) => socket.write("hello\nworld\n")));
    while (sock.readableLength < 12) await once(sock, "readable");
    assert.equal(String(sock.read(6)), "hello\n");
    sock.unshift(Buffer.from("HELLO\n"));
    const [reader, writer] = await openConnection({ sock });
    cleanup(() => writer.close());
    assert.equal((await reader.readLine()).toString(), "HELLO\n");
    assert.equal((await reader.readLine()).toString(), "world\n");
  });

  it("takes the socket from those who listened for data (67)", async () => {
    const sock = await connectedSocket(await plainServer(echoing));
    sock.on("data", () => assert.fail("data for the former owner"));
    await checkEcho(await openConnection({ sock }));
  });

  it("reads the end that the peer had sent before, and can still write (32, 67)", async () => {
    const texts: Promise<string>[] = [];
    const server = await plainServer((socket) => {
      texts.push(text(socket));
      socket.end("bye\n");
    });
    for (const allowHalfOpen of [false, true]) {
      const sock = await connectedSocket(server, { allowHalfOpen });
      while (sock.readableLength < 4) await once(sock, "readable");
      const [reader, writer] = await openConnection({ sock });
      assert.equal((await reader.read()).toString(), "bye\n");
      writer.write("you too\n");
      await writer[Symbol.asyncDispose]();
    }
    assert.deepEqual(await Promise.all(texts), ["you too\n", "you too\n"]);
  });

  it("gives the end at once when the socket has told it already (67)", async () => {
    const server = await plainServer((socket) => socket.end());
    const sock = await connectedSocket(server, { allowHalfOpen: true });
    sock.resume();
    await once(sock, "end");
    const [reader, writer] = await openConnection({ sock });
    assert.equal((await reader.read()).length, 0);
    writer.write("still open");
    await writer[Symbol.asyncDispose]();
  });

  it("reads from a socket whose writing side has ended (67)", async () => {
    const server = await plainServer((socket) => void socket.resume().on("end", () => socket.end("bye")));
    const sock = await connectedSocket(server, { allowHalfOpen: true });
    sock.end();
    const [reader, writer] = await openConnection({ sock });
    assert.throws(() => writer.write("x"), InvalidStateError);
    assert.equal((await reader.read()).toString(), "bye");
    await writer[Symbol.asyncDispose]();
  });

  it("refuses one that it has taken over already, which goes on", async () => {
    const sock = await connectedSocket(await plainServer(echoing));
    const connection = await openConnection({ sock });
    await assert.rejects(openConnection({ sock }), /^InvalidStateError: sock belongs to a stream already$/);
    await checkEcho(connection);
  });

  it("closes the socket also when the peer has gone (67)", async () => {
    const nothingLeft = await watchResources();
    const [sock, peer] = await socketPair();
    const [, writer] = await openConnection({ sock });
    peer.destroy();
    await writer[Symbol.asyncDispose]();
    await nothingLeft();
  });

  const unusable: readonly [what: string, message: string, make: (server: NetServer) => Promise<Socket>][] = [
    ["that is not connected", "sock is not connected", async () => new Socket()],
    [
      "that is connecting",
      "sock is not connected",
      async (server) => new Socket().connect((server.address() as AddressInfo).port, "127.0.0.1"),
    ],
    ["that is closed", "sock is closed", async (server) => (await connectedSocket(server)).destroy()],
    [
      "with an encoding",
      "sock has the encoding utf8 set, so its bytes are lost",
      async (server) => (await connectedSocket(server)).setEncoding("utf8"),
    ],
  ];
  for (const [what, message, make] of unusable) {
    it(`refuses one ${what}, and leaves it alone (67)`, async () => {
      const sock = await make(await plainServer(echoing));
      cleanup(() => sock.destroy());
      const listenersBefore = sock.listenerCount("data") + sock.listenerCount("error");
      const failure = await failureOf(openConnection({ sock }));
      assert.ok(failure instanceof InvalidStateError);
      assert.equal(failure.message, message);
      assert.equal(sock.listenerCount("data") + sock.listenerCount("error"), listenersBefore);
    });
  }

  it("refuses what is no stream socket of node:net (56, 67)", async () => {
    const datagrams = createSocket("udp4");
    cleanup(() => datagrams.close());
    const wrong = [null, 5, "sock", {}, createServer(), datagrams];
    for (const sock of wrong as Socket[]) {
      for (const opening of [openConnection({ sock }), openUnixConnection({ sock })]) {
        const failure = await failureOf(opening);
        assert.equal(failure.name, "TypeError");
        assert.match(failure.message, /^A (UNIX Domain )?Stream Socket was expected, got /);
      }
    }
  });

  it("refuses a TLSSocket (56)", async () => {
    const sock = new TLSSocket(await connectedSocket(await plainServer(echoing)));
    cleanup(() => sock.destroy());
    const failure = await failureOf(openConnection({ sock }));
    assert.equal(failure.name, "TypeError");
    assert.equal(failure.message, "Socket cannot be of type TLSSocket");
  });

  it("does not take the socket when the signal is aborted already (66)", async () => {
    const [sock, peer] = await socketPair();
    cleanup(() => sock.destroy());
    cleanup(() => peer.destroy());
    const signal = AbortSignal.abort("before");
    await assert.rejects(openConnection({ sock, signal }), (reason) => reason === "before");
    await assert.rejects(openUnixConnection({ sock, signal }), (reason) => reason === "before");
    assert.equal(sock.destroyed, false);
    echoing(peer);
    await checkEcho(await openConnection({ sock }));
  });
});

describe("openUnixConnection()", () => {
  it("connects to a path, given as a string, bytes or a file: URL (82)", async () => {
    const path = await echoPath();
    for (const given of [path, Buffer.from(path), new Uint8Array(Buffer.from(path)), pathToFileURL(path)]) {
      const connection = await openUnixConnection(given);
      assert.equal(connection.writer.getExtraInfo("peername"), path);
      assert.equal(connection.writer.getExtraInfo("sockname"), "");
      await checkEcho(connection);
    }
  });

  it("takes over a connected Unix socket, but no TCP socket (67, 82)", async () => {
    const path = `${await temporaryFolder(cleanup)}/s`;
    await plainServer((socket) => void socket.pipe(socket), { path });
    const sock = new Socket().connect({ path });
    await once(sock, "connect");
    await checkEcho(await openUnixConnection({ sock }));

    const tcp = await connectedSocket(await plainServer(() => {}));
    const failure = await failureOf(openUnixConnection({ sock: tcp }));
    assert.equal(failure.name, "TypeError");
    assert.equal(failure.message, "A UNIX Domain Stream Socket was expected, got a TCP socket");
    assert.equal(tcp.destroyed, false);
  });

  it("rejects with a FileNotFoundError where nothing lies (82)", async () => {
    const path = `${await temporaryFolder(cleanup)}/missing`;
    const nothingLeft = await watchResources();
    const failure = await failureOf(openUnixConnection(path));
    assert.ok(failure instanceof FileNotFoundError);
    assert.ok(failure.message.startsWith(`Connect call failed '${path}'`), failure.message);
    const { code, syscall, address, cause } = failure;
    assert.deepEqual([code, syscall, address], ["ENOENT", "connect", path]);
    assert.ok(cause instanceof Error);
    await nothingLeft();
  });

  it("rejects with a ConnectionRefusedError where nobody listens (82)", async () => {
    const folder = await temporaryFolder(cleanup);
    const server = await plainServer(() => {}, { path: `${folder}/bound` });
    await rename(`${folder}/bound`, `${folder}/stale`);
    server.close();
    await writeFile(`${folder}/file`, "");
    for (const name of ["stale", "file"]) {
      assert.ok((await failureOf(openUnixConnection(`${folder}/${name}`))) instanceof ConnectionRefusedError);
    }
  });
});
