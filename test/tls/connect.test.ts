import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect as connectPlain, type Socket } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { checkServerIdentity, createSecureContext, TLSSocket, type PeerCertificate } from "node:tls";
import {
  CertificateError,
  ConnectionResetError,
  TimeoutError,
  TlsError,
  TlsHandshakeTimeoutError,
  openConnection,
  openUnixConnection,
  startUnixServer,
  type Connection,
  type OpenConnectionOptions,
  type TlsOptions,
} from "asyncio-streams";
import { noIpv6 } from "../support/addresses.js";
import { makeAuthority, makeSelfSigned, type Identity } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";
import { fakeTimers } from "../support/fake-timers.js";
import { temporaryFolder } from "../support/folders.js";
import { leavingNothing, watchResources } from "../support/open-resources.js";
import { runProgram } from "../support/processes.js";
import { isBun, SELF_SIGNED } from "../support/runtime.js";
import { barePort, HALF_RECORD, tlsEchoPort } from "../support/tls-peers.js";
import { turns } from "../support/turns.js";

const authority = makeAuthority();
const identity = authority.issue();
const trust = { ca: authority.cert };

const forName = authority.issue({ hosts: ["localhost", "peer.test"], addresses: [] });
// Without names the common name would count as one.
const forAddress = authority.issue({ commonName: "none", hosts: [], addresses: ["127.0.0.1"] });
const forIpv6 = authority.issue({ hosts: [], addresses: ["::1"] });
const selfSigned = makeSelfSigned();
const unknown = makeAuthority("Unknown Authority").issue();
const ofClient = authority.issue({ commonName: "client one", usages: ["clientAuth"] });

const accepted: readonly [what: string, cert: Identity, host: string, serverHostname?: string][] = [
  ["the host by default, a name", forName, "localhost"],
  ["the host by default, an address", forAddress, "127.0.0.1"],
  ["another name that serverHostname gives", forName, "127.0.0.1", "peer.test"],
  ["an address that serverHostname gives", forAddress, "localhost", "127.0.0.1"],
  ['nobody, with ""', forName, "127.0.0.1", ""],
];
const names: readonly [what: string, cert: Identity, host: string, serverHostname?: string][] = [
  ["another name", forName, "localhost", "other.test"],
  ["a name where it has addresses", forAddress, "localhost"],
  ["an address where it has names", forName, "127.0.0.1"],
  ["an address that it has as a name", authority.issue({ hosts: ["127.0.0.1"], addresses: [] }), "127.0.0.1"],
];
const days = (from: number, to: number) => authority.issue({ validDays: [from, to] });
const refused: readonly [what: string, cert: Identity, code: string, host?: string, name?: string][] = [
  ["that vouches for itself", selfSigned, SELF_SIGNED],
  ["of an unknown authority", unknown, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
  ["that has expired", days(-3, -1), "CERT_HAS_EXPIRED"],
  ["that is not yet valid", days(1, 3), "CERT_NOT_YET_VALID"],
  ["for clients only", ofClient, "INVALID_PURPOSE"],
  ['that vouches for itself, also with ""', makeSelfSigned(), SELF_SIGNED, "localhost", ""],
  ['of an unknown authority, also with ""', unknown, "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "localhost", ""],
  ...names.map(
    ([what, cert, host, name]) =>
      [`for ${what}`, cert, "ERR_TLS_CERT_ALTNAME_INVALID", host, name] as (typeof refused)[number],
  ),
];
/** The engine runs on the socket itself, or over a stream. */
const MODES = [{ truncation: "ignore" }, { truncation: "report" }] as const;
const VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;

/** Node.js 22.23 takes an IPv6 address for a name. */
const mistakesIpv6: string | false =
  checkServerIdentity("::1", {
    subject: {},
    subjectaltname: "IP Address:0:0:0:0:0:0:0:1",
  } as PeerCertificate) !== undefined && "this runtime cannot verify IPv6 addresses";

const cleanup = cleanups();

async function opened(making: Promise<Connection>): Promise<Connection> {
  const connection = await making;
  cleanup(() => {
    connection.writer.transport.abort();
    return connection.writer.waitClosed().catch(() => {});
  });
  return connection;
}

async function assertEchoes({ reader, writer }: Connection): Promise<void> {
  writer.write("echo\n");
  assert.equal((await reader.readLine()).toString(), "echo\n");
}

for (const mode of MODES) {
  const dial = (port: number, options: OpenConnectionOptions = {}, host = "127.0.0.1") =>
    openConnection(host, port, { ...mode, ...options });

  describe(`openConnection() over TLS, truncation: ${mode.truncation}`, () => {
    for (const version of VERSIONS) {
      it(`speaks ${version} over TCP, a Unix socket and a sock`, async () => {
        const ssl = { ...trust, maxVersion: version };
        const port = await tlsEchoPort(cleanup, identity);
        await assertEchoes(await opened(dial(port, { ssl })));

        const sock = connectPlain(port, "127.0.0.1");
        await once(sock, "connect");
        const overSock = openConnection({ ...mode, sock, ssl, serverHostname: "localhost" });
        await assertEchoes(await opened(overSock));

        const path = join(await temporaryFolder(cleanup), "s");
        const server = await startUnixServer(
          async (reader, writer) => writer.write(await reader.readLine()),
          path,
          { ssl: identity },
        );
        cleanup(() => server[Symbol.asyncDispose]());
        const overUnix = await opened(
          openUnixConnection(path, { ...mode, ssl, serverHostname: "localhost" }),
        );
        await assertEchoes(overUnix);
        assert.equal(overUnix.writer.getExtraInfo("tlsVersion"), version);
      });
    }

    it("a context made once serves many connections", async () => {
      const secureContext = createSecureContext(trust);
      const port = await tlsEchoPort(cleanup, identity);
      for (let count = 0; count < 2; count++) {
        const connection = await opened(dial(port, { ssl: { secureContext } }));
        await assertEchoes(connection);
        assert.equal(connection.writer.getExtraInfo("sslcontext"), secureContext);
      }
    });

    // Whom the certificate is for.

    for (const [what, cert, host, serverHostname] of accepted) {
      it(`the certificate is checked for ${what} (57)`, async () => {
        const names: unknown[] = [];
        const port = await tlsEchoPort(cleanup, cert, (socket) => {
          names.push(socket.servername || undefined);
          socket.pipe(socket);
        });
        const connection = await opened(dial(port, { ssl: trust, serverHostname }, host));
        await assertEchoes(connection);
        assert.equal(connection.writer.getExtraInfo("authorized"), true);
        // An address is no name to ask for.
        const asked = serverHostname ?? host;
        assert.deepEqual(names, [/^(127.*|)$/.test(asked) ? undefined : asked]);
        assert.equal(connection.writer.getExtraInfo("servername"), names[0] || undefined);
      });
    }

    it(
      "the certificate is checked for an IPv6 address as such (57)",
      { skip: noIpv6 || mistakesIpv6 },
      async () => {
        const port = await tlsEchoPort(cleanup, forIpv6);
        await assertEchoes(await opened(dial(port, { ssl: trust, serverHostname: "::1" })));
      },
    );

    for (const [what, cert, code, host = "localhost", serverHostname] of refused) {
      it(`refuses a certificate ${what} (57, 98)`, async () => {
        await leavingNothing(async (cleanup) => {
          const port = await tlsEchoPort(cleanup, cert);
          await assert.rejects(dial(port, { ssl: trust, serverHostname }, host), (error: Error) => {
            assert.ok(error instanceof CertificateError);
            assert.equal(error.code, code);
            assert.ok(error.cause instanceof Error);
            return true;
          });
        });
      });
    }

    it("true trusts the authorities of the runtime, and nobody else (57)", async () => {
      const port = await tlsEchoPort(cleanup, identity);
      await assert.rejects(dial(port, { ssl: true }), { code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" });
    });

    it("rejectUnauthorized: false accepts anybody, and says so", async () => {
      const port = await tlsEchoPort(cleanup, selfSigned);
      const connection = await opened(dial(port, { ssl: { rejectUnauthorized: false } }));
      await assertEchoes(connection);
      assert.equal(connection.writer.getExtraInfo("authorized"), false);
      assert.equal(connection.writer.getExtraInfo("peercert")?.subject.CN, "localhost");
    });

    for (const serverHostname of ["localhost", ""]) {
      it(`a checkServerIdentity of one's own decides, with serverHostname "${serverHostname}"`, async () => {
        const port = await tlsEchoPort(cleanup, identity);
        let asked = 0;
        const checkServerIdentity = () => {
          asked++;
          return new Error("not the pinned one");
        };
        const dialing = dial(port, { ssl: { ...trust, checkServerIdentity }, serverHostname });
        await assert.rejects(dialing, /not the pinned one/);
        assert.equal(asked, 1);
      });
    }

    // A handshake that comes to nothing.

    const silent = () => {};
    const failures: readonly [
      what: string,
      act: (socket: Socket) => void,
      expected: new (...args: never[]) => Error,
      code: RegExp,
    ][] = [
      ["sends plain text", (socket) => socket.write("220 ready\r\n"), TlsError, /^ERR_SSL_/],
      ["ends the connection", (socket) => socket.end(), ConnectionResetError, /^ECONNRESET$/],
      ["ends within a record", (socket) => socket.end(HALF_RECORD), ConnectionResetError, /^ECONNRESET$/],
      [
        "takes the ClientHello and ends",
        (socket) => socket.once("data", () => socket.end()),
        ConnectionResetError,
        /^ECONNRESET$/,
      ],
      ["resets", (socket) => socket.resetAndDestroy(), ConnectionResetError, /^ECONNRESET$/],
      [
        "resets within a record",
        (socket) => socket.write(HALF_RECORD, () => socket.resetAndDestroy()),
        ConnectionResetError,
        /^ECONNRESET$/,
      ],
      [
        "refuses with an alert",
        (socket) => socket.end(Buffer.from("15030300020228", "hex")),
        TlsError,
        /^ERR_SSL_.*ALERT_HANDSHAKE_FAILURE$/,
      ],
    ];
    for (const [what, act, expected, code] of failures) {
      it(`tells of a peer that ${what} during the handshake, and leaves nothing open (98)`, async () => {
        await leavingNothing(async (cleanup) => {
          const port = await barePort(cleanup, act);
          await assert.rejects(dial(port, { ssl: trust }), (error: TlsError) => {
            assert.ok(error instanceof expected, String(error));
            assert.match(error.code!, code);
            return true;
          });
        });
      });
    }

    for (const [what, act] of [
      ["is silent", silent],
      ["sends half a record", (socket: Socket) => socket.write(HALF_RECORD)],
    ] as const) {
      for (const [given, limit] of [
        [undefined, 60_000],
        [1234, 1234],
      ]) {
        it(`gives a peer that ${what} ${limit} ms, with sslHandshakeTimeout: ${given} (2, 98)`, async () => {
          await leavingNothing(async (cleanup) => {
            const timers = fakeTimers(cleanup);
            let greet!: () => void;
            const greeted = new Promise<void>((resolve) => (greet = resolve));
            const port = await barePort(cleanup, (socket) => {
              act(socket);
              socket.once("data", greet);
            });
            const dialing = dial(port, { ssl: trust, sslHandshakeTimeout: given });
            await greeted;
            await turns(3);
            assert.deepEqual(
              [...timers].map(({ delay }) => delay),
              [limit],
            );
            for (const { run } of timers) run();
            await assert.rejects(dialing, (error: Error) => {
              assert.ok(error instanceof TlsHandshakeTimeoutError);
              assert.equal(error.timeout, limit);
              assert.match(error.message, new RegExp(`^TLS handshake is taking longer than ${limit} ms`));
              return true;
            });
          });
        });
      }
    }

    it("options that node:tls refuses only now leave nothing open", async () => {
      await leavingNothing(async (cleanup) => {
        const port = await tlsEchoPort(cleanup, identity);
        for (const wrong of [{ ALPNProtocols: ["x".repeat(300)] }, { session: 5 }, { secureContext: {} }]) {
          const dialing = dial(port, { ssl: { ...trust, ...wrong } as TlsOptions });
          // Bun has a code for none of them. Not every runtime refuses a context that is none: there it trusts nobody.
          await assert.rejects(dialing, isBun ? Error : { code: /^ERR_|^UNABLE_TO_VERIFY_LEAF_SIGNATURE$/ });
        }
      });
    });

    it("signal and timeout cover the handshake, and leave nothing (66)", async () => {
      await leavingNothing(async (cleanup) => {
        const hellos: (() => void)[] = [];
        const port = await barePort(cleanup, (socket) => socket.once("data", () => hellos.shift()?.()));
        const controller = new AbortController();
        const reason = new Error("enough");
        hellos.push(() => controller.abort(reason));
        await assert.rejects(
          dial(port, { ssl: trust, signal: controller.signal }),
          (error) => error === reason,
        );
        await assert.rejects(dial(port, { ssl: trust, timeout: 30 }), (error: Error) => {
          return (
            error instanceof TimeoutError && error.message === "openConnection() did not end within 30 ms"
          );
        });
      });
    });

    it("signal and timeout end with the handshake", async () => {
      const timers = fakeTimers(cleanup);
      const port = await tlsEchoPort(cleanup, identity);
      const controller = new AbortController();
      const connection = await opened(
        dial(port, { ssl: trust, signal: controller.signal, timeout: 5000, sslHandshakeTimeout: 5000 }),
      );
      // Bun's own ones, of the server, are among them.
      assert.deepEqual(
        [...timers].filter(({ delay }) => delay === 5000),
        [],
      );
      controller.abort();
      await assertEchoes(connection);
    });

    // What both sides agree on.

    it("minVersion and maxVersion bound the version", async () => {
      const port = await tlsEchoPort(cleanup, { ...identity, minVersion: "TLSv1.3" });
      await assert.rejects(dial(port, { ssl: { ...trust, maxVersion: "TLSv1.2" } }), {
        name: "TlsError",
        code: /^ERR_SSL_.*ALERT_PROTOCOL_VERSION$/,
      });
    });

    it("ALPNProtocols agree on a protocol, or on none", async () => {
      const port = await tlsEchoPort(cleanup, { ...identity, ALPNProtocols: ["two", "three"] });
      const agreed = await opened(dial(port, { ssl: { ...trust, ALPNProtocols: ["one", "two"] } }));
      assert.equal(agreed.writer.getExtraInfo("alpnProtocol"), "two");
      const none = await opened(dial(port, { ssl: trust }));
      assert.equal(none.writer.getExtraInfo("alpnProtocol"), undefined);
      await assert.rejects(dial(port, { ssl: { ...trust, ALPNProtocols: ["four"] } }), {
        name: "TlsError",
        code: /^ERR_SSL_.*ALERT_NO_APPLICATION_PROTOCOL$/,
      });
    });

    for (const version of VERSIONS) {
      it(`getExtraInfo() knows all of ${version}, also after the end (47)`, async () => {
        const port = await tlsEchoPort(cleanup, { ...identity, ALPNProtocols: ["x"] });
        const secureContext = createSecureContext({ ...trust, maxVersion: version });
        const ssl = { secureContext, ALPNProtocols: ["x"] };
        const connection = await opened(dial(port, { ssl }, "localhost"));
        const { writer } = connection;
        const check = () => {
          assert.equal(writer.getExtraInfo("peercert")?.subject.CN, "localhost");
          assert.match(writer.getExtraInfo("peercert")?.subjectaltname ?? "", /DNS:localhost/);
          const cipher = writer.getExtraInfo("cipher");
          assert.equal(cipher?.version, version);
          assert.match(cipher.standardName, /^TLS_/);
          assert.equal(typeof cipher.name, "string");
          assert.equal(writer.getExtraInfo("compression"), undefined);
          assert.equal(writer.getExtraInfo("compression", null), null);
          assert.equal(writer.getExtraInfo("sslcontext"), secureContext);
          assert.ok(writer.getExtraInfo("sslObject") instanceof TLSSocket);
          assert.equal(writer.getExtraInfo("alpnProtocol"), "x");
          assert.equal(writer.getExtraInfo("tlsVersion"), version);
          assert.equal(writer.getExtraInfo("servername"), "localhost");
          assert.equal(writer.getExtraInfo("authorized"), true);
          assert.deepEqual(writer.getExtraInfo("peername"), ["127.0.0.1", port]);
          assert.equal(writer.getExtraInfo("socket")?.family, "IPv4");
          assert.equal(writer.getExtraInfo("unknown", 5), 5);
        };
        check();
        writer.close();
        await writer.waitClosed();
        check();
      });
    }

    // Sessions and certificates of clients.

    for (const version of VERSIONS) {
      it(`session takes up an earlier session of ${version}`, async () => {
        const reused: boolean[] = [];
        const port = await tlsEchoPort(cleanup, { ...identity, maxVersion: version }, (socket) => {
          reused.push(socket.isSessionReused());
          socket.pipe(socket);
        });
        const first = await opened(dial(port, { ssl: trust }));
        const engine = first.writer.getExtraInfo("sslObject")!;
        let session: Buffer | undefined;
        engine.on("session", (ticket: Buffer) => (session = ticket));
        await assertEchoes(first);
        session ??= engine.getSession();
        const second = await opened(dial(port, { ssl: { ...trust, session } }));
        await assertEchoes(second);
        assert.equal(second.writer.getExtraInfo("sslObject")?.isSessionReused(), true);
        assert.equal(second.writer.getExtraInfo("authorized"), true);
        assert.deepEqual(reused, [false, true]);
      });

      it(`cert and key show who the client is, with ${version}`, async () => {
        const who: unknown[] = [];
        const wanted = { ...identity, ...trust, requestCert: true, maxVersion: version };
        const port = await tlsEchoPort(cleanup, wanted, (socket) => {
          who.push(socket.getPeerCertificate().subject.CN);
          socket.pipe(socket);
        });
        await assertEchoes(await opened(dial(port, { ssl: { ...trust, ...ofClient } })));
        assert.deepEqual(who, ["client one"]);
      });
    }
  });
}

describe("arguments of TLS when connecting", () => {
  const sock = new TLSSocket(undefined as unknown as Socket);
  const secured = { ssl: trust };
  type Case = readonly [point: number, what: string, call: () => Promise<unknown>, message: RegExp];
  const limits = ["sslHandshakeTimeout", "sslShutdownTimeout"].flatMap((name) => [
    ...[0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31].map((value): Case => [
      58,
      `${name}: ${value}`,
      () => openConnection("x.test", 80, { ...secured, [name]: value }),
      new RegExp(`^RangeError: ${name} must be more than 0 and at most 2147483647 ms, got ${value}$`),
    ]),
    ...["5", null].map((value): Case => [
      58,
      `${name}: ${JSON.stringify(value)}`,
      () => openConnection("x.test", 80, { ...secured, [name]: value }),
      new RegExp(`^TypeError: ${name} must be a number of milliseconds, not `),
    ]),
  ]);
  const cases: readonly Case[] = [
    ...limits,
    [
      58,
      "an unknown truncation",
      () => openConnection("x.test", 80, { ...secured, truncation: "maybe" as never }),
      /^RangeError: truncation must be "ignore", "report" or "error", got string "maybe"$/,
    ],
    [
      58,
      "a truncation of another kind",
      () => openConnection("x.test", 80, { ...secured, truncation: true as never }),
      /^TypeError: truncation must be a string, not boolean true$/,
    ],
    [
      57,
      "a serverHostname of another kind",
      () => openConnection("x.test", 80, { ...secured, serverHostname: 5 as never }),
      /^TypeError: serverHostname must be a string, not number 5$/,
    ],
    [
      57,
      "a serverHostname that begins with a dot",
      () => openConnection("x.test", 80, { ...secured, serverHostname: ".x.test" }),
      /^RangeError: serverHostname must not begin with a dot, got string "\.x\.test"$/,
    ],
    [
      57,
      "a bare SecureContext",
      () => openConnection("x.test", 80, { ssl: createSecureContext() as never }),
      /^TypeError: ssl must be TLS options: give a SecureContext as \{ secureContext \}$/,
    ],
    [
      56,
      "a TLSSocket as sock",
      () => openConnection({ sock }),
      /^TypeError: Socket cannot be of type TLSSocket$/,
    ],
    [
      82,
      "a TLSSocket as sock",
      () => openUnixConnection({ sock }),
      /^TypeError: Socket cannot be of type TLSSocket$/,
    ],
    [
      56,
      "TLS over a sock without a name",
      () => openConnection({ sock, ssl: true }),
      /^TypeError: You must set serverHostname when using ssl without a host$/,
    ],
    [
      82,
      "TLS over a sock without a name, for Unix sockets",
      () => openUnixConnection({ sock, ssl: true }),
      /^TypeError: you have to pass serverHostname when using ssl$/,
    ],
  ];
  for (const [point, what, call, message] of cases) {
    it(`are refused before anything is opened: ${what} (${point})`, async () => {
      const nothingOpened = await watchResources();
      await assert.rejects(call, message);
      await nothingOpened();
    });
  }

  it("no ssl, null and false are no TLS (57)", async () => {
    const port = await barePort(cleanup, (socket) => void socket.pipe(socket));
    for (const ssl of [undefined, null, false]) {
      const connection = await opened(openConnection("127.0.0.1", port, { ssl: ssl as false }));
      await assertEchoes(connection);
      for (const key of ["peercert", "cipher", "sslObject", "tlsVersion", "authorized"]) {
        assert.equal(connection.writer.getExtraInfo(key), undefined);
      }
    }
  });
});

describe("openConnection() with ssl: true", () => {
  it("succeeds with who is certified by an authority of the runtime (57)", async () => {
    const port = await tlsEchoPort(cleanup, identity);
    const file = join(await temporaryFolder(cleanup), "authority.pem");
    await writeFile(file, authority.cert);
    const variables = { NODE_EXTRA_CA_CERTS: file, DENO_CERT: file };
    const program = runProgram(cleanup, "test/programs/tls-echo-client.js", [String(port)], { variables });
    assert.deepEqual(await program.finish(), { lines: ["true echo"], errors: "", status: 0 });
  });
});
