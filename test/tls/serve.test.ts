import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectPlain, type Socket } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { connect, createSecureContext, TLSSocket, type ConnectionOptions } from "node:tls";
import {
  startServer,
  startUnixServer,
  type ErrorContext,
  type Server,
  type StartServerOptions,
  type StreamReader,
  type StreamWriter,
  type TlsOptions,
} from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import { makeAuthority, makeSelfSigned } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";
import { captureConsoleErrors } from "../support/console-error.js";
import { fakeTimers } from "../support/fake-timers.js";
import { temporaryFolder } from "../support/folders.js";
import { leavingNothing, watchResources } from "../support/open-resources.js";
import { isBun, SELF_SIGNED } from "../support/runtime.js";
import { HALF_RECORD } from "../support/tls-peers.js";
import { turns } from "../support/turns.js";

type Cleanup = (undo: () => unknown) => void;

const authority = makeAuthority();
const identity = authority.issue();
const trust = { ca: authority.cert };
const trusted = authority.issue({ commonName: "client one", usages: ["clientAuth"] });
const untrusted = makeSelfSigned({ commonName: "client two" });

/** The engine runs on the socket itself, or over a stream. */
const MODES = [{ truncation: "ignore" }, { truncation: "report" }] as const;
const VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;

const cleanup = cleanups();

async function echo(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for await (const line of reader) writer.write(line);
}

const never = (): never => assert.fail("the callback was called");

/** What `onError` hears, and a promise of the next time. */
class Reports {
  readonly heard: [error: Error & { code?: string }, context: ErrorContext][] = [];
  #wake = () => {};

  readonly onError = (error: unknown, context: ErrorContext): void => {
    this.heard.push([error as Error, context]);
    this.#wake();
  };

  async until(count: number): Promise<void> {
    while (this.heard.length < count) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}

function closeAtEnd(cleanup: Cleanup, server: Server): void {
  cleanup(() => {
    server.abortClients();
    return server[Symbol.asyncDispose]();
  });
}

/** A client of node:tls that has not begun to read; errors do not matter. */
function client(cleanup: Cleanup, server: Server, options: ConnectionOptions = {}): TLSSocket {
  const address = server.sockets[0]!.address();
  const where = typeof address === "string" ? { path: address } : { host: "127.0.0.1", port: address.port };
  const socket = connect({ ...trust, servername: "localhost", ...where, ...options });
  socket.on("error", () => {});
  cleanup(() => socket.destroy());
  return socket;
}

async function assertEchoes(socket: TLSSocket): Promise<void> {
  socket.write("echo\n");
  const [answer] = (await once(socket, "data")) as [Buffer];
  assert.equal(answer.toString(), "echo\n");
}

/** Everything until the end of the stream, or the loss. */
async function readAll(socket: Socket): Promise<string> {
  let all = "";
  socket.on("data", (chunk: Buffer) => (all += chunk.toString()));
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
  return all;
}

for (const mode of MODES) {
  describe(`startServer() over TLS, truncation: ${mode.truncation}`, () => {
    async function start(
      options: StartServerOptions = {},
      callback: (reader: StreamReader, writer: StreamWriter) => unknown = echo,
      undo: Cleanup = cleanup,
    ): Promise<Server> {
      const server = await startServer(callback, "127.0.0.1", 0, { ssl: identity, ...mode, ...options });
      closeAtEnd(undo, server);
      return server;
    }

    for (const version of VERSIONS) {
      it(`speaks ${version} over TCP and a Unix socket`, async () => {
        const ssl = { ...identity, maxVersion: version };
        const path = join(await temporaryFolder(cleanup), "s");
        const overUnix = await startUnixServer(echo, path, { ssl, ...mode });
        closeAtEnd(cleanup, overUnix);
        for (const server of [await start({ ssl }), overUnix]) {
          const socket = client(cleanup, server);
          await assertEchoes(socket);
          assert.equal(socket.getProtocol(), version);
        }
      });
    }

    it("all connections share one context, made of the options or given", async () => {
      const given = createSecureContext(identity);
      for (const ssl of [identity, { secureContext: given }]) {
        const contexts = new Set<unknown>();
        const server = await start({ ssl }, (_reader, writer) => {
          contexts.add(writer.getExtraInfo("sslcontext"));
          writer.write("hello");
          writer.close();
        });
        for (let count = 0; count < 2; count++) {
          assert.equal(await readAll(client(cleanup, server)), "hello");
        }
        assert.equal(contexts.size, 1);
        if (ssl !== identity) assert.ok(contexts.has(given));
      }
    });

    it("getExtraInfo() knows the connection, also after its end (47)", async () => {
      for (const version of VERSIONS) {
        let writer!: StreamWriter;
        const ssl = { ...identity, maxVersion: version, ALPNProtocols: ["x"] };
        const server = await start({ ssl }, (_reader, own) => {
          writer = own;
          own.write("hello");
        });
        const socket = client(cleanup, server, { ALPNProtocols: ["y", "x"] });
        await once(socket, "data");
        const { localPort } = socket;
        const check = () => {
          const peercert = writer.getExtraInfo("peercert", "none");
          assert.equal(peercert, "none");
          assert.equal(writer.getExtraInfo("cipher")?.version, version);
          assert.equal(writer.getExtraInfo("compression"), undefined);
          assert.ok(writer.getExtraInfo("sslcontext"));
          assert.ok(writer.getExtraInfo("sslObject") instanceof TLSSocket);
          assert.equal(writer.getExtraInfo("alpnProtocol"), "x");
          assert.equal(writer.getExtraInfo("tlsVersion"), version);
          assert.equal(writer.getExtraInfo("servername"), "localhost");
          assert.equal(writer.getExtraInfo("authorized"), false);
          assert.deepEqual(writer.getExtraInfo("sockname"), ["127.0.0.1", portOf(server)]);
          assert.deepEqual(writer.getExtraInfo("peername"), ["127.0.0.1", localPort]);
        };
        check();
        writer.close();
        socket.end();
        await writer.waitClosed();
        check();
      }
    });

    it("SNICallback chooses the certificate by the name, and may refuse", async () => {
      const reports = new Reports();
      const other = createSecureContext(authority.issue({ commonName: "other", hosts: ["other.test"] }));
      const SNICallback: TlsOptions["SNICallback"] = (name, done) => {
        if (name === "refused.test") done(new Error("nobody of that name"));
        else done(null, name === "other.test" ? other : undefined);
      };
      const names: unknown[] = [];
      const callback = (reader: StreamReader, writer: StreamWriter) => {
        names.push(writer.getExtraInfo("servername"));
        return echo(reader, writer);
      };
      const server = await start({ ssl: { ...identity, SNICallback }, onError: reports.onError }, callback);
      for (const [servername, subject] of [
        ["localhost", "localhost"],
        ["other.test", "other"],
      ] as const) {
        const socket = client(cleanup, server, { servername });
        await assertEchoes(socket);
        assert.equal(socket.getPeerCertificate().subject.CN, subject);
      }
      await readAll(client(cleanup, server, { servername: "refused.test" }));
      await reports.until(1);
      assert.match(reports.heard[0]![0].message, /nobody of that name/);
      assert.deepEqual(names, ["localhost", "other.test"]);
    });

    it("SNICallback alone identifies a server", async () => {
      const context = createSecureContext(identity);
      const server = await start({ ssl: { SNICallback: (_name, done) => done(null, context) } });
      await assertEchoes(client(cleanup, server));
    });

    it("clients that do not fit fail: an old version, an unknown protocol", async () => {
      const reports = new Reports();
      const ssl = { ...identity, minVersion: "TLSv1.3", ALPNProtocols: ["x"] } as const;
      const unfit: readonly [ConnectionOptions, RegExp][] = [
        [{ maxVersion: "TLSv1.2" }, /UNSUPPORTED_PROTOCOL/],
        [{ ALPNProtocols: ["y"] }, /NO_APPLICATION_PROTOCOL/],
      ];
      for (const [options, code] of unfit) {
        const server = await start({ ssl, onError: reports.onError }, never);
        await readAll(client(cleanup, server, options));
        await reports.until(1);
        const [[error, { phase }] = assert.fail()] = reports.heard.splice(0);
        assert.equal(error.name, "TlsError");
        assert.match(error.code!, code);
        assert.equal(phase, "handshake");
      }
    });

    // Handshakes that come to nothing.

    const failures: readonly [what: string, act: (socket: Socket) => void, name: string, code: RegExp][] = [
      ["sends plain text", (socket) => socket.write("GET / HTTP/1.1\r\n\r\n"), "TlsError", /^ERR_SSL_/],
      ["ends the connection", (socket) => socket.end(), "ConnectionResetError", /^ECONNRESET$/],
      [
        "sends half a record and ends",
        (socket) => socket.end(HALF_RECORD),
        "ConnectionResetError",
        /^ECONNRESET$/,
      ],
      [
        "sends half a record and resets",
        (socket) => socket.write(HALF_RECORD, () => socket.resetAndDestroy()),
        "ConnectionResetError",
        /^ECONNRESET$/,
      ],
      [
        "sends an alert",
        (socket) => socket.end(Buffer.from("15030300020228", "hex")),
        "TlsError",
        /^ERR_SSL_/,
      ],
    ];
    for (const [what, act, name, code] of failures) {
      it(`a peer that ${what} instead of the handshake is closed and told of; the others are served (73, 98)`, async () => {
        await leavingNothing(async (cleanup) => {
          const reports = new Reports();
          let called = 0;
          const callback = (reader: StreamReader, writer: StreamWriter) => {
            called++;
            return echo(reader, writer);
          };
          const server = await start({ onError: reports.onError }, callback, cleanup);
          const socket = connectPlain(portOf(server), "127.0.0.1");
          cleanup(() => socket.destroy());
          socket.on("error", () => {});
          await once(socket, "connect");
          const peername = ["127.0.0.1", socket.localPort];
          act(socket);
          await reports.until(1);
          const [[error, context] = assert.fail(), ...others] = reports.heard;
          assert.equal(error.name, name);
          assert.match(error.code!, code);
          assert.deepEqual(context, { phase: "handshake", peername, suppressed: 0 });
          assert.deepEqual(others, []);
          await readAll(socket);
          assert.equal(called, 0);
          await assertEchoes(client(cleanup, server));
          assert.equal(called, 1);
        });
      });
    }

    for (const [what, act] of [
      ["is silent", () => {}],
      ["sends half a record", (socket: Socket) => socket.write(HALF_RECORD)],
    ] as const) {
      for (const [given, limit] of [
        [undefined, 60_000],
        [1234, 1234],
      ]) {
        it(`a peer that ${what} is closed after ${limit} ms, with sslHandshakeTimeout: ${given} (2, 98)`, async () => {
          await leavingNothing(async (cleanup) => {
            const timers = fakeTimers(cleanup);
            const reports = new Reports();
            const options = { onError: reports.onError, sslHandshakeTimeout: given };
            const server = await start(options, never, cleanup);
            const socket = connectPlain(portOf(server), "127.0.0.1");
            cleanup(() => socket.destroy());
            await once(socket, "connect");
            act(socket);
            while (timers.size === 0) await turns(1);
            await turns(5);
            assert.deepEqual(
              [...timers].map(({ delay }) => delay),
              [limit],
            );
            for (const { run } of timers) run();
            await readAll(socket);
            await reports.until(1);
            const [[error, context] = assert.fail()] = reports.heard;
            assert.equal(error.name, "TlsHandshakeTimeoutError");
            assert.equal((error as Error & { timeout?: number }).timeout, limit);
            assert.equal(context.phase, "handshake");
          });
        });
      }
    }

    it("failed handshakes are told of at most once a second, with how many were left out", async () => {
      let time = 50_000;
      const { performance } = globalThis;
      Object.assign(globalThis, { performance: { now: () => time } });
      cleanup(() => Object.assign(globalThis, { performance }));
      const reports = new Reports();
      const server = await start({ onError: reports.onError }, never);
      const fail = async () => {
        const socket = connectPlain(portOf(server), "127.0.0.1");
        socket.on("error", () => {}).end("plain\n");
        await readAll(socket);
        await turns(3);
      };
      const suppressed = () => reports.heard.map(([, context]) => context.suppressed);
      for (let count = 0; count < 5; count++) await fail();
      assert.deepEqual(suppressed(), [0]);
      time += 999;
      await fail();
      assert.deepEqual(suppressed(), [0]);
      time += 1;
      await fail();
      assert.deepEqual(suppressed(), [0, 5]);
      time += 1000;
      await fail();
      assert.deepEqual(suppressed(), [0, 5, 0]);
    });

    it("without onError a failed handshake goes to the console", async () => {
      const printed = captureConsoleErrors(cleanup);
      const server = await start({}, never);
      const socket = connectPlain(portOf(server), "127.0.0.1");
      socket.on("error", () => {}).end("plain\n");
      await readAll(socket);
      await turns(3);
      assert.equal(printed.length, 1);
      assert.match(String(printed[0]![0]), /TLS handshake failed/);
    });

    // The server's end while handshakes run.

    async function inHandshake(
      cleanup: Cleanup,
      reports: Reports,
    ): Promise<{ server: Server; socket: Socket }> {
      const timers = fakeTimers(cleanup);
      const server = await start({ onError: reports.onError }, never, cleanup);
      const socket = connectPlain(portOf(server), "127.0.0.1");
      cleanup(() => socket.destroy());
      socket.on("error", () => {});
      while (timers.size === 0) await turns(1);
      return { server, socket };
    }

    for (const method of ["closeClients", "abortClients"] as const) {
      it(`${method}() ends a handshake that runs, and nobody is told (79)`, async () => {
        await leavingNothing(async (cleanup) => {
          const reports = new Reports();
          const { server, socket } = await inHandshake(cleanup, reports);
          server.close();
          server[method]();
          await server.waitClosed();
          await readAll(socket);
          assert.deepEqual(reports.heard, []);
        });
      });
    }

    it("close() lets a handshake that runs end, and its connection be served (76, 78)", async () => {
      const ALPNCallback: TlsOptions["ALPNCallback"] = () => {
        server.close();
        return "x";
      };
      const server = await start({ ssl: { ...identity, ALPNCallback } });
      const socket = client(cleanup, server, { ALPNProtocols: ["x"] });
      await assertEchoes(socket);
      assert.equal(server.isServing(), false);
      socket.end();
      await server.waitClosed();
    });

    // Certificates of clients.

    const asks = { ...identity, ...trust, requestCert: true };
    const lax = { ...asks, rejectUnauthorized: false };
    type Who = readonly [who: string, options: ConnectionOptions];
    const nobody: Who = ["nobody", {}];
    const good: Who = ["a trusted client", trusted];
    const bad: Who = ["an untrusted client", untrusted];
    const table: readonly [
      ssl: TlsOptions,
      how: string,
      who: Who,
      seen: [authorized: boolean, name?: string],
    ][] = [
      [asks, "asked for", good, [true, "client one"]],
      [lax, "asked for but not required", good, [true, "client one"]],
      [lax, "asked for but not required", bad, [false, "client two"]],
      [lax, "asked for but not required", nobody, [false]],
      [identity, "not asked for", good, [false]],
    ];
    for (const version of VERSIONS) {
      for (const [ssl, how, [who, options], seen] of table) {
        it(`serves ${who} where certificates are ${how}, with ${version}`, async () => {
          const found: unknown[] = [];
          const callback = (reader: StreamReader, writer: StreamWriter) => {
            found.push(writer.getExtraInfo("authorized"), writer.getExtraInfo("peercert")?.subject.CN);
            return echo(reader, writer);
          };
          const server = await start({ ssl: { ...ssl, maxVersion: version } }, callback);
          await assertEchoes(client(cleanup, server, options));
          assert.deepEqual(found, [seen[0], seen[1]]);
        });
      }

      for (const [[who, options], name, code] of [
        [nobody, "TlsError", "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE"],
        [bad, "CertificateError", SELF_SIGNED],
      ] as const) {
        it(`refuses ${who} where certificates are required, with ${version}`, async () => {
          await leavingNothing(async (cleanup) => {
            const reports = new Reports();
            const ssl = { ...asks, maxVersion: version };
            const server = await start({ ssl, onError: reports.onError }, never, cleanup);
            const socket = client(cleanup, server, options);
            socket.once("secureConnect", () => socket.write("early\n"));
            assert.equal(await readAll(socket), "");
            await reports.until(1);
            const [[error, context] = assert.fail()] = reports.heard;
            assert.equal(error.name, name);
            assert.equal(error.code, code);
            assert.equal(context.phase, "handshake");
          });
        });
      }

      for (const [what, ssl, options] of [
        ["", identity, {}],
        [" with the client's certificate", asks, trusted],
      ] as const) {
        it(`takes up a session of ${version}${what}`, async () => {
          const found: unknown[] = [];
          const callback = (reader: StreamReader, writer: StreamWriter) => {
            const reused = writer.getExtraInfo("sslObject")!.isSessionReused();
            found.push([
              reused,
              writer.getExtraInfo("authorized"),
              writer.getExtraInfo("peercert")?.subject.CN,
            ]);
            return echo(reader, writer);
          };
          const server = await start({ ssl: { ...ssl, maxVersion: version } }, callback);
          const first = client(cleanup, server, options);
          let session: Buffer | undefined;
          first.on("session", (ticket: Buffer) => (session = ticket));
          await assertEchoes(first);
          const second = client(cleanup, server, { ...options, session });
          await assertEchoes(second);
          assert.equal(second.isSessionReused(), true);
          const name = ssl === asks ? "client one" : undefined;
          assert.deepEqual(found, [
            [false, ssl === asks, name],
            [true, ssl === asks, name],
          ]);
        });
      }
    }
  });
}

describe("arguments of TLS when serving", () => {
  const cb = () => {};
  const serve = (options: object) => () => startServer(cb, "127.0.0.1", 0, { ssl: identity, ...options });
  const serveUnix = (options: object) => () =>
    startUnixServer(cb, "/nowhere/s", { ssl: identity, ...options });
  const cases: readonly [what: string, options: object, message: RegExp][] = [
    [
      "a bare SecureContext",
      { ssl: createSecureContext(identity) },
      /^TypeError: ssl must be TLS options: give /,
    ],
    ["no identity", { ssl: trust }, /^TypeError: ssl of a server must have one of cert, pfx, secureContext/],
    [
      "no time for the handshake",
      { sslHandshakeTimeout: 0 },
      /^RangeError: sslHandshakeTimeout must be more than 0/,
    ],
    [
      "no time for the end",
      { sslShutdownTimeout: -1 },
      /^RangeError: sslShutdownTimeout must be more than 0/,
    ],
    ["text as a limit", { sslShutdownTimeout: "1" }, /^TypeError: sslShutdownTimeout must be a number of/],
    [
      "an unknown truncation",
      { truncation: "no" },
      /^RangeError: truncation must be "ignore", "report" or "error"/,
    ],
    [
      "a name of a server",
      { serverHostname: "x" },
      /^TypeError: start(Unix)?Server\(\) got an unexpected option/,
    ],
    [
      "a key of another certificate",
      { ssl: { cert: identity.cert, key: untrusted.key } },
      /key.values.mismatch/i,
    ],
  ];
  for (const [what, options, message] of cases) {
    it(`are refused before anything is opened: ${what} (58, 68, 83)`, async () => {
      const nothingOpened = await watchResources();
      await assert.rejects(serve(options), message);
      await assert.rejects(serveUnix(options), message);
      await nothingOpened();
    });
  }
});

describe("SNICallback where the engine runs over a stream", () => {
  const SNICallback: TlsOptions["SNICallback"] = (_name, done) => done(null, undefined);

  it("is refused where the runtime would not call it: no client gets the certificate of another name", async () => {
    const starting = startServer(never, "127.0.0.1", 0, {
      ssl: { ...identity, SNICallback },
      truncation: "report",
    });
    if (isBun) await assert.rejects(starting, { name: "NotImplementedError", message: /SNICallback/ });
    else (await starting).close();
  });
});
