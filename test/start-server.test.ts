import assert from "node:assert/strict";
import { ADDRCONFIG } from "node:dns";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server as NetServer } from "node:net";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  openConnection,
  startServer,
  type Connection,
  type ErrorContext,
  type Server,
  type StartServerOptions,
  type StreamReader,
  type StreamWriter,
} from "asyncio-streams";
import { memoryNetwork } from "asyncio-streams/testing";
import { foreignAddress, hostsOf, noIpv6, otherLoopback, portOf, portsOf } from "./support/addresses.js";
import { cleanups } from "./support/cleanup.js";
import { isPending } from "./support/pending.js";

type Host = string | readonly string[] | null | undefined;

async function echo(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for await (const line of reader) writer.write(line);
}

describe("startServer()", () => {
  const cleanup = cleanups();

  async function started(making: Promise<Server>): Promise<Server> {
    const server = await making;
    cleanup(() => {
      server.close();
      server.abortClients();
      return server.waitClosed();
    });
    return server;
  }

  const serve = (host?: Host, port: number | string = 0, options?: StartServerOptions) =>
    started(startServer(echo, host, port, options));

  async function dial(host: string, port: number): Promise<Connection> {
    const connection = await openConnection(host, port);
    cleanup(() => connection.writer.transport.abort());
    return connection;
  }

  async function assertEchoes(host: string, port: number): Promise<void> {
    const { reader, writer } = await dial(host, port);
    writer.write("ping\n");
    assert.equal((await reader.readLine()).toString(), "ping\n");
  }

  describe("host", () => {
    const CASES: readonly [what: string, host: Host, expected: readonly string[]][] = [
      ["an IPv4 address", "127.0.0.1", ["127.0.0.1"]],
      ["an IPv6 address", "::1", ["::1"]],
      ["a list", ["127.0.0.1", "::1"], ["127.0.0.1", "::1"]],
      ["a list with duplicates", ["127.0.0.1", "127.0.0.1"], ["127.0.0.1"]],
      ["none", undefined, ["0.0.0.0", "::"]],
      ["null", null, ["0.0.0.0", "::"]],
      ["empty", "", ["0.0.0.0", "::"]],
      ["a list with an empty one", [""], ["0.0.0.0", "::"]],
    ];
    for (const [what, host, expected] of CASES) {
      const skip = expected.some((address) => address.includes(":")) && noIpv6;
      it(
        `${what} binds ${expected.join(" and ")}, each with a port of its own (69, 70)`,
        { skip },
        async () => {
          const server = await serve(host);
          assert.deepEqual(hostsOf(server), expected);
          const ports = portsOf(server);
          assert.equal(new Set(ports).size, expected.length);
          assert.ok(ports.every((port) => port > 0));
          for (const [index, address] of expected.entries()) {
            const loopback = { "0.0.0.0": "127.0.0.1", "::": "::1" }[address] ?? address;
            await assertEchoes(loopback, ports[index]!);
          }
        },
      );
    }

    it("a name binds each of its addresses (69)", async () => {
      const hosts = hostsOf(await serve("localhost"));
      assert.ok(
        hosts.length > 0 && hosts.every((host) => host === "::1" || host.startsWith("127.")),
        hosts.join(),
      );
    });

    it("an IPv6 socket leaves the port of IPv4 alone (70)", { skip: noIpv6 }, async () => {
      const port = portOf(await serve("127.0.0.1"));
      const { promise, callback } = firstPeer();
      await started(startServer(callback, "::", port));
      await assertEchoes("127.0.0.1", port);
      await dial("::1", port);
      assert.equal((await promise)[0], "::1");
    });

    it("that is an empty list cannot be bound (69)", async () => {
      await assert.rejects(startServer(echo, [], 0), {
        name: "OSError",
        message: "could not bind on any address out of []",
      });
    });

    it("that is unknown rejects, and binds nothing", async () => {
      const network = memoryNetwork().host("here");
      await assert.rejects(startServer(echo, ["127.0.0.1", "nowhere"], 80, { network }), {
        name: "NameResolutionError",
      });
      await startServer(echo, "127.0.0.1", 80, { network });
    });

    it("that this machine lacks is left out while another one can be bound (72)", async () => {
      assert.deepEqual(hostsOf(await serve([foreignAddress, "127.0.0.1"])), ["127.0.0.1"]);
    });

    it("that this machine lacks rejects when there is no other (72)", async () => {
      await assert.rejects(startServer(echo, [foreignAddress, "203.0.113.2"], 0), {
        name: "OSError",
        code: "EADDRNOTAVAIL",
        message: "could not bind on any address out of [('203.0.113.1', 0), ('203.0.113.2', 0)]",
      });
    });

    it("that cannot be bound is named, and frees the ones that were (72)", async () => {
      const port = portOf(await serve("127.0.0.1"));
      await assert.rejects(
        startServer(echo, [otherLoopback, "127.0.0.1"], port),
        (error: NodeJS.ErrnoException) => {
          const { name, code, message } = error;
          assert.deepEqual([name, code], ["OSError", "EADDRINUSE"]);
          const named = `error while attempting to bind on address ('127.0.0.1', ${port}): `;
          assert.ok(message.startsWith(named), message);
          return true;
        },
      );
      await serve(otherLoopback, port);
    });
  });

  it("port may be a string, or be left out beside a host", async () => {
    await assertEchoes("127.0.0.1", portOf(await serve("127.0.0.1", "0")));
    await assertEchoes("127.0.0.1", portOf(await started(startServer(echo, "127.0.0.1"))));
    const port = portOf(await serve("127.0.0.1"));
    assert.equal(portOf(await serve(otherLoopback, String(port))), port);
  });

  it("family takes addresses of one kind only", { skip: noIpv6 }, async () => {
    assert.deepEqual(hostsOf(await serve("", 0, { family: 4 })), ["0.0.0.0"]);
    assert.deepEqual(hostsOf(await serve("", 0, { family: 6 })), ["::"]);
    assert.ok(hostsOf(await serve("localhost", 0, { family: 4 })).every((host) => host.startsWith("127.")));
    await assert.rejects(startServer(echo, "::1", 0, { family: 4 }), { name: "NameResolutionError" });
  });

  it("flags reach the resolver", async () => {
    await serve("localhost", 0, { flags: ADDRCONFIG });
    await assert.rejects(startServer(echo, "localhost", 0, { flags: 1 << 30 }), RangeError);
  });

  it("limit reaches the readers", async () => {
    let shown = "";
    const server = await started(
      startServer((reader) => void (shown = reader.toString()), "127.0.0.1", 0, { limit: 9 }),
    );
    const { reader } = await dial("127.0.0.1", portOf(server));
    server.closeClients();
    await reader.read();
    assert.match(shown, /limit=9\b/);
  });

  describe("backlog", () => {
    const canCount = process.platform === "linux" && process.versions["deno"] === undefined;
    const skip = !canCount && "only Linux counts exactly, and Deno accepts meanwhile";

    /** Within a tick, nobody accepts: of `count` clients those get through that the kernel holds. */
    async function getThrough(count: number, options?: StartServerOptions): Promise<number> {
      const server = await serve("127.0.0.1", 0, options);
      const port = portOf(server);
      let connected = 0;
      for (let client = 0; client < count; client++) {
        const socket = connect(port, "127.0.0.1", () => (connected += 1));
        socket.on("error", () => {});
        cleanup(() => socket.destroy());
      }
      await nextTurn();
      await nextTurn();
      return connected;
    }

    for (const [backlog, held] of [
      [0, 2],
      [3, 4],
      [undefined, 101],
    ] as const) {
      it(`${backlog ?? "of 100 by default"} is what the kernel holds`, { skip }, async () => {
        assert.equal(await getThrough(held + 30, { backlog }), held);
      });
    }

    it("is how many wait for startServing()", async () => {
      const server = await serve("127.0.0.1", 0, { backlog: 2, startServing: false });
      const readers: StreamReader[] = [];
      for (let client = 0; client < 4; client++) {
        const { reader, writer } = await dial("127.0.0.1", portOf(server));
        writer.write("ping\n");
        readers.push(reader);
      }
      const answers = readers.map((reader) => reader.readLine().then(String, () => ""));
      const dropped = await Promise.all(answers.slice(2));
      assert.deepEqual(dropped, ["", ""]);
      await server.startServing();
      assert.deepEqual(await Promise.all(answers.slice(0, 2)), ["ping\n", "ping\n"]);
    });
  });

  it("reuseAddress: false is refused where the runtime cannot, before anything is bound (71)", async () => {
    const making = startServer(echo, "127.0.0.1", 0, { reuseAddress: false });
    if (process.platform === "win32") await started(making);
    else await assert.rejects(making, { name: "NotImplementedError", message: /SO_REUSEADDR/ });
    await serve("127.0.0.1", 0, { reuseAddress: true });
  });

  it("reusePort lets servers share a port, or is refused where the runtime cannot (71)", async () => {
    const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
    if (major < 22 || (major === 22 && minor < 12) || (major === 23 && minor < 1)) {
      await assert.rejects(startServer(echo, "127.0.0.1", 0, { reusePort: true }), {
        name: "NotImplementedError",
        message: `reusePort needs Node.js 22.12 or newer, this is ${process.version}`,
      });
      return;
    }
    const port = portOf(await serve("127.0.0.1", 0, { reusePort: true }));
    await assert.rejects(startServer(echo, "127.0.0.1", port), { code: "EADDRINUSE" });
    const second = await serve("127.0.0.1", port, { reusePort: true });
    assert.equal(portOf(second), port);
    await assertEchoes("127.0.0.1", port);
  });

  const noTimers = process.platform !== "linux" && "only Linux shows the timers of sockets, under /proc";
  it("keepAlive turns on TCP keepalive of the connections (71)", { skip: noTimers }, async () => {
    for (const keepAlive of [true, false, undefined]) {
      const server = await serve("127.0.0.1", 0, { keepAlive });
      const port = portOf(server);
      const { writer, reader } = await dial("127.0.0.1", port);
      writer.write("ping\n");
      await reader.readLine();
      const [, clientPort] = writer.getExtraInfo("sockname") as readonly [string, number];
      assert.equal(hasKeepAliveTimer(port, clientPort), keepAlive === true, `keepAlive ${keepAlive}`);
    }
  });

  describe("startServing: false", () => {
    it("binds; connections wait unread, and are served later (75)", async () => {
      const total = 16 * 1024 * 1024;
      const counts: number[] = [];
      const server = await started(
        startServer(
          async (reader) => {
            let count = 0;
            for (let size = -1; size !== 0; count += size) size = (await reader.read(65_536)).length;
            counts.push(count);
          },
          "127.0.0.1",
          0,
          { startServing: false },
        ),
      );
      const { reader, writer } = await dial("127.0.0.1", portOf(server));
      writer.write(new Uint8Array(total));
      const drained = writer.drain();
      assert.equal(await isPending(drained), true);
      await server.startServing();
      await drained;
      writer.writeEof();
      await reader.read();
      assert.deepEqual(counts, [total]);
    });

    it("lets a client go that leaves before, without an error", async () => {
      const errors: unknown[] = [];
      const server = await serve("127.0.0.1", 0, {
        startServing: false,
        onError: (error) => errors.push(error),
      });
      const gone = await dial("127.0.0.1", portOf(server));
      gone.writer.close();
      await gone.writer.waitClosed();
      await assertWaits(server);
      await server.startServing();
      await assertEchoes("127.0.0.1", portOf(server));
      assert.deepEqual(errors, []);
    });
  });

  async function assertWaits(server: Server): Promise<void> {
    const { reader } = await dial("127.0.0.1", portOf(server));
    assert.equal(await isPending(reader.read(1)), true);
  }

  it("onError hears of a failed callback with its peer, and the connection is closed (35, 36)", async () => {
    for (const callback of [
      () => {
        throw new Error("mine");
      },
      async () => {
        throw new Error("mine");
      },
    ]) {
      const heard: [unknown, ErrorContext][] = [];
      const onError = (...parts: [unknown, ErrorContext]) => void heard.push(parts);
      const server = await started(startServer(callback, "127.0.0.1", 0, { onError }));
      const { reader, writer } = await dial("127.0.0.1", portOf(server));
      assert.equal((await reader.read()).length, 0);
      const [[error, context], ...others] = heard as [[Error, ErrorContext]];
      assert.equal(error.message, "mine");
      assert.equal(context.phase, "callback");
      assert.deepEqual(context.peername, writer.getExtraInfo("sockname"));
      assert.equal(context.writer?.isClosing(), true);
      assert.deepEqual(others, []);
    }
  });

  it("autoClose: false keeps the connection of an async callback (35)", async () => {
    const making = startServer(async (_reader, writer) => writer.write("hello\n"), "127.0.0.1", 0, {
      autoClose: false,
    });
    const { reader } = await dial("127.0.0.1", portOf(await started(making)));
    assert.equal((await reader.readLine()).toString(), "hello\n");
    assert.equal(await isPending(reader.read()), true);
  });

  it("keeps the connection of a plain callback, and closes that of an async one", async () => {
    const plain = await started(startServer((_reader, writer) => writer.write("hello\n"), "127.0.0.1", 0));
    const first = await dial("127.0.0.1", portOf(plain));
    assert.equal((await first.reader.readLine()).toString(), "hello\n");
    assert.equal(await isPending(first.reader.read()), true);

    const async = await started(
      startServer(async (_reader, writer) => writer.write("hello\n"), "127.0.0.1", 0),
    );
    const second = await dial("127.0.0.1", portOf(async));
    assert.equal((await second.reader.read()).toString(), "hello\n");
  });

  describe("sock", () => {
    async function listeningServer(): Promise<NetServer> {
      const sock = createServer().listen(0, "127.0.0.1");
      await once(sock, "listening");
      cleanup(() => sock.close());
      return sock;
    }

    it("as a net.Server is taken over, and closed with the server", async () => {
      const sock = await listeningServer();
      const server = await started(startServer(echo, { sock }));
      const { port } = sock.address() as AddressInfo;
      assert.deepEqual(server.sockets[0]!.getsockname(), ["127.0.0.1", port]);
      await assertEchoes("127.0.0.1", port);
      server.close();
      assert.equal(sock.listening, false);
      await assert.rejects(openConnection("127.0.0.1", port), { code: "ECONNREFUSED" });
    });

    it("as a net.Server allows half-open connections, too (32)", async () => {
      const sock = await listeningServer();
      const callback = async (reader: StreamReader, writer: StreamWriter) =>
        writer.write(await reader.read());
      const server = await started(startServer(callback, { sock }));
      const { reader, writer } = await dial("127.0.0.1", portOf(server));
      writer.write("all of it");
      writer.writeEof();
      assert.equal((await reader.read()).toString(), "all of it");
    });

    it("as a net.Server waits for startServing(), too", async () => {
      const sock = await listeningServer();
      const server = await started(startServer(echo, { sock, startServing: false }));
      await assertWaits(server);
      await server.startServing();
      await assertEchoes("127.0.0.1", portOf(server));
    });

    it("as a net.Server that does not listen, or has a connection listener, is refused and left alone", async () => {
      await assert.rejects(startServer(echo, { sock: createServer() }), {
        name: "InvalidStateError",
        message: /does not listen/,
      });
      const sock = await listeningServer();
      sock.on("connection", (socket) => socket.destroy());
      await assert.rejects(startServer(echo, { sock }), {
        name: "InvalidStateError",
        message: /has a connection listener/,
      });
      assert.equal(sock.listening, true);
    });

    it("excludes host and port (68)", async () => {
      const sock = await listeningServer();
      const message = "host/port and sock can not be specified at the same time";
      for (const [host, port] of [
        ["127.0.0.1", 0],
        ["127.0.0.1", undefined],
        [undefined, 0],
      ] as const) {
        await assert.rejects(startServer(echo, host, port, { sock }), { name: "TypeError", message });
      }
      await started(startServer(echo, null, null, { sock }));
    });

    it("as a descriptor that does not listen is refused with an error of the system", async () => {
      await assert.rejects(startServer(echo, { sock: { fd: 987_654 } }), {
        name: "OSError",
        message: /file descriptor 987654/,
      });
    });

    it("of another kind is refused", async () => {
      for (const sock of [7, "127.0.0.1", {}, null, { fd: "3" }, { fd: 1.5 }, { fd: -1 }]) {
        await assert.rejects(
          startServer(echo, { sock } as unknown as StartServerOptions),
          /TypeError|RangeError/,
          JSON.stringify(sock),
        );
      }
    });
  });

  describe("refuses", () => {
    const CASES: readonly [what: string, parameters: readonly unknown[], expected: RegExp][] = [
      [
        "no callback",
        [undefined, "127.0.0.1", 0],
        /^TypeError: clientConnectedCb must be a function, not undefined/,
      ],
      ["no address (68)", [echo], /^TypeError: Neither host\/port nor sock were specified$/],
      ["no address, in options (68)", [echo, {}], /^TypeError: Neither host\/port nor sock were specified$/],
      [
        "a host that is a number",
        [echo, 127, 0],
        /^TypeError: host must be a string or a list of them, not number 127$/,
      ],
      ["a host in a list that is null", [echo, [null], 0], /^TypeError: host must be a string .* not null$/],
      ["a host with a NUL", [echo, "local\0host", 0], /^RangeError: host must not have a NUL inside/],
      ["a negative port", [echo, "127.0.0.1", -1], /^RangeError: port must be .* got -1$/],
      ["a large port", [echo, "127.0.0.1", 65_536], /^RangeError: port must be .* got 65536$/],
      ["a service name", [echo, "127.0.0.1", "http"], /^RangeError: port must be a number: .*"http"/],
      ["a port that is an object", [echo, "127.0.0.1", {}], /^TypeError: port must be a number/],
      [
        "options that are none",
        [echo, "127.0.0.1", 0, 7],
        /^TypeError: startServer\(\) options must be an object/,
      ],
    ];
    const OPTIONS: readonly [options: object, expected: RegExp][] = [
      [{ limit: 0 }, /^RangeError: Limit cannot be <= 0, got 0$/],
      [{ limit: "1" }, /^TypeError: limit must be a number/],
      [{ limit: 1.5 }, /^RangeError: limit must be a whole number/],
      [{ backlog: -1 }, /^RangeError: backlog must be .* got -1$/],
      [{ backlog: "1" }, /^TypeError: backlog must be a number/],
      [{ family: 5 }, /^RangeError: family must be 0, 4 or 6, got 5$/],
      [{ family: "IPv4" }, /^TypeError: family must be a number/],
      [{ flags: 1.5 }, /^RangeError: flags must be/],
      [{ flags: "1" }, /^TypeError: flags must be a number/],
      [{ reuseAddress: 1 }, /^TypeError: reuseAddress must be a boolean, not number 1$/],
      [{ reusePort: 1 }, /^TypeError: reusePort must be a boolean, not number 1$/],
      [{ keepAlive: "yes" }, /^TypeError: keepAlive must be a boolean, not string "yes"$/],
      [{ startServing: 0 }, /^TypeError: startServing must be a boolean, not number 0$/],
      [{ autoClose: null }, /^TypeError: autoClose must be a boolean, not null$/],
      [{ onError: {} }, /^TypeError: onError must be a function/],
      [{ ssl: true }, /^TypeError: ssl argument must be/],
      [{ ssl: false }, /^TypeError: ssl argument must be/],
      [{ ssl: {} }, /^TypeError: ssl of a server must have one of cert/],
      [{ sslHandshakeTimeout: 1 }, /^TypeError: sslHandshakeTimeout is only meaningful with ssl$/],
      [{ sslShutdownTimeout: 1 }, /^TypeError: sslShutdownTimeout is only meaningful with ssl$/],
      [{ cleanupSocket: true }, /^TypeError: startServer\(\) got an unexpected option "cleanupSocket"$/],
    ];
    const all = [
      ...CASES,
      ...OPTIONS.map(([options, expected]) => {
        const shown = Object.entries(options).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
        return [shown.join(), [echo, "127.0.0.1", 0, options], expected] as const;
      }),
    ];
    for (const [what, parameters, expected] of all) {
      it(what, async () => {
        await assert.rejects(
          (startServer as (...all: unknown[]) => Promise<Server>)(...parameters),
          expected,
        );
      });
    }
  });
});

/** A callback, and the address of the first peer that it is called with. */
function firstPeer() {
  let settle!: (peer: readonly unknown[]) => void;
  const promise = new Promise<readonly unknown[]>((resolve) => {
    settle = resolve;
  });
  const callback = (_reader: StreamReader, writer: StreamWriter) =>
    settle(writer.getExtraInfo("peername") as readonly unknown[]);
  return { promise, callback };
}

/** Whether the kernel runs a keepalive timer for the socket at `localPort`: timer 02 in the columns of /proc/net/tcp. */
function hasKeepAliveTimer(localPort: number, remotePort: number): boolean {
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, "0");
  const columns = readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .find(
      ([, local, remote]) => local?.endsWith(`:${hex(localPort)}`) && remote?.endsWith(`:${hex(remotePort)}`),
    );
  assert.ok(columns, "the connection is not listed");
  return columns[5]!.startsWith("02:");
}
