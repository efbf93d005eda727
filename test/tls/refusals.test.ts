import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect as connectPlain } from "node:net";
import { describe, it } from "node:test";
import { connect, type ConnectionOptions } from "node:tls";
import {
  CertificateError,
  ConnectionRefusedError,
  NotImplementedError,
  openConnection,
  startServer,
  TlsError,
  type Connection,
  type ErrorContext,
  type TlsOptions,
  type Truncation,
} from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import { cleanups } from "../support/cleanup.js";
import { makeIdentities, noOldProtocols, noSecurityLevels, WEAK } from "../support/refused-identities.js";
import { leavingNothing } from "../support/open-resources.js";
import { packageRoot } from "../support/package-root.js";
import { barePort, tlsEchoPort } from "../support/tls-peers.js";

type Cleanup = (undo: () => unknown) => void;
type CodedError = Error & { readonly code?: string };

const { good, authority, servers, trustedServers, clients } = makeIdentities();
const trust = { ca: authority.cert };
const isNode = (process.versions["bun"] ?? process.versions["deno"]) === undefined;
/** Why a protocol that is too old fails: what is sent to the other side, and what is said on this one. */
const OLD_PROTOCOL =
  /^ERR_SSL_(UNSUPPORTED_PROTOCOL|NO_PROTOCOLS_AVAILABLE|TLSV1_ALERT_PROTOCOL_VERSION|TLS_ALERT_PROTOCOL_VERSION|NO_SHARED_CIPHER)$/;

/** A record with a ServerHello of TLS 1.1: 32 random bytes, no session, TLS_RSA_WITH_AES_128_CBC_SHA, no compression. */
const OLD_HELLO = Buffer.from(`160302002a020000260302${"5a".repeat(32)}00002f00`, "hex");

/** The engine runs on the socket itself, or over a stream. */
const MODES: readonly { name: string; truncation: Truncation }[] = [
  { name: "native", truncation: "ignore" },
  { name: "bridged", truncation: "report" },
];

/** How a client comes to TLS. */
const DIALS = {
  async openConnection(port: number, ssl: TlsOptions, serverHostname: string, truncation: Truncation) {
    return openConnection("127.0.0.1", port, { ssl, serverHostname, truncation });
  },
  async startTls(port: number, ssl: TlsOptions, serverHostname: string, truncation: Truncation) {
    const connection = await openConnection("127.0.0.1", port);
    await connection.writer.startTls(ssl, { serverHostname, truncation });
    return connection;
  },
} as const;

/** How a server comes to TLS. What it hears of a failure is given to `failed`, and of a connection that stands, to `served`. */
const SERVERS = {
  startServer: (cleanup: Cleanup, ssl: TlsOptions, truncation: Truncation) =>
    serving(cleanup, () => {}, { ssl, truncation }),
  startTls: (cleanup: Cleanup, ssl: TlsOptions, truncation: Truncation) =>
    serving(cleanup, ({ writer }) => writer.startTls(ssl, { truncation }), {}),
} as const;

async function serving(cleanup: Cleanup, secure: (connection: Connection) => unknown, options: object) {
  const failures: { error: CodedError; phase: ErrorContext["phase"] }[] = [];
  let served = 0;
  const server = await startServer(
    async (reader, writer) => {
      await secure({ reader, writer } as Connection);
      served++;
      writer.write(await reader.readLine());
    },
    "127.0.0.1",
    0,
    {
      ...options,
      onError: (error, { phase }) => void failures.push({ error: error as CodedError, phase }),
    },
  );
  cleanup(() => server.shutdown({ grace: 0 }));
  return { port: portOf(server), failures, served: () => served };
}

/** Nothing is sent to it, and it is left at once. */
async function refusedBy(dialing: Promise<Connection>, isIt: (error: CodedError) => boolean): Promise<void> {
  const connected = dialing.then(({ writer }) => writer.transport.abort());
  await assert.rejects(connected, (error: CodedError) => {
    assert.ok(isIt(error), `${error.name} ${error.code}: ${error.message}`);
    return true;
  });
}

/** Sends a line when it can, and gives what came back until the end, however that came. */
async function talk(cleanup: Cleanup, port: number, options: ConnectionOptions): Promise<string> {
  const raw = connectPlain(port, "127.0.0.1");
  const socket = connect({ ...trust, servername: "localhost", ...options, socket: raw });
  cleanup(() => socket.destroy());
  let heard = "";
  socket.on("error", () => {}).on("data", (chunk: Buffer) => (heard += chunk.toString()));
  socket.on("end", () => socket.end());
  socket.write("hello\n");
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
  return heard;
}

for (const { name, truncation } of MODES) {
  for (const [method, dial] of Object.entries(DIALS)) {
    describe(`${method}() and servers, ${name}`, () => {
      const cleanup = cleanups();

      for (const { what, identity, name: host = "localhost", trust: ssl, code, skip = false } of servers) {
        it(`refuses ${what}: ${code}`, { skip }, async () => {
          await leavingNothing(async (cleanup) => {
            const port = await tlsEchoPort(cleanup, { ...WEAK, ...identity });
            await refusedBy(dial(port, ssl, host, truncation), (error) => {
              return error instanceof CertificateError && (!isNode || error.code === code);
            });
          });
        });
      }

      for (const { what, identity, name: host = "localhost", trust: ssl, skip = false } of trustedServers) {
        it(`accepts ${what}`, { skip }, async () => {
          const port = await tlsEchoPort(cleanup, identity);
          const { reader, writer } = await dial(port, ssl, host, truncation);
          cleanup(() => writer.transport.abort());
          writer.write("echo\n");
          assert.equal((await reader.readLine()).toString(), "echo\n");
          assert.equal(writer.getExtraInfo("authorized"), true);
        });
      }

      for (const maxVersion of ["TLSv1", "TLSv1.1"] as const) {
        it(`refuses a server that speaks ${maxVersion} at most`, { skip: noOldProtocols }, async () => {
          await leavingNothing(async (cleanup) => {
            const port = await tlsEchoPort(cleanup, { ...WEAK, ...good, maxVersion });
            await refusedBy(dial(port, trust, "localhost", truncation), (error) => {
              return error instanceof TlsError && OLD_PROTOCOL.test(error.code!);
            });
          });
        });
      }

      it("refuses a server that answers with TLS 1.1", async () => {
        await leavingNothing(async (cleanup) => {
          const port = await barePort(cleanup, (socket) =>
            socket.once("data", () => socket.write(OLD_HELLO)),
          );
          await refusedBy(dial(port, trust, "localhost", truncation), (error) => error instanceof TlsError);
        });
      });
    });
  }

  for (const [method, serve] of Object.entries(SERVERS)) {
    describe(`${method}() and clients, ${name}`, () => {
      for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
        for (const { what, identity, trust: mine, code, skip = false } of clients) {
          it(`refuses ${what}, tells of it, and goes on, with ${version}: ${code}`, { skip }, async () => {
            await leavingNothing(async (cleanup) => {
              const ssl = { ...good, ...mine, requestCert: true, maxVersion: version };
              const server = await serve(cleanup, ssl, truncation);
              assert.equal(await talk(cleanup, server.port, { ...WEAK, ...identity }), "");
              assert.equal(server.served(), 0);
              const [{ error, phase } = assert.fail("nothing was told"), ...more] = server.failures;
              assert.ok(error instanceof (identity === undefined ? TlsError : CertificateError));
              if (isNode) assert.equal(error.code, code);
              assert.equal(phase, method === "startServer" ? "handshake" : "callback");
              assert.deepEqual(more, []);
              if ("crl" in mine) return;
              assert.equal(await talk(cleanup, server.port, good), "hello\n");
              assert.equal(server.served(), 1);
            });
          });
        }
      }

      for (const maxVersion of ["TLSv1", "TLSv1.1"] as const) {
        it(
          `refuses a client that speaks ${maxVersion} at most, tells of it, and goes on`,
          { skip: noOldProtocols },
          async () => {
            await leavingNothing(async (cleanup) => {
              const server = await serve(cleanup, good, truncation);
              assert.equal(await talk(cleanup, server.port, { ...WEAK, maxVersion }), "");
              assert.equal(server.served(), 0);
              const [{ error } = assert.fail("nothing was told")] = server.failures;
              assert.ok(error instanceof TlsError);
              assert.match(error.code!, OLD_PROTOCOL);
              assert.equal(await talk(cleanup, server.port, {}), "hello\n");
            });
          },
        );
      }
    });
  }
}

describe("a list of revoked certificates", () => {
  it("is refused where the runtime would not look at it, and only there", async () => {
    const ssl = { ...good, ...trust, crl: authority.revoke([]) };
    const isRefused = process.versions["deno"] !== undefined;
    const serving = startServer(() => {}, "127.0.0.1", 0, { ssl });
    if (isRefused) await assert.rejects(serving, NotImplementedError);
    else await (await serving)[Symbol.asyncDispose]();
    const dialing = openConnection("127.0.0.1", 1, { ssl });
    await assert.rejects(dialing, isRefused ? NotImplementedError : ConnectionRefusedError);
  });
});

describe("a weak certificate", () => {
  it("is refused as the security level of OpenSSL says", { skip: noSecurityLevels }, () => {
    for (const code of ["EE_KEY_TOO_SMALL", "CA_MD_TOO_WEAK"]) {
      assert.ok(servers.some((row) => row.code === code) && clients.some((row) => row.code === code), code);
    }
  });
});

describe("SECURITY.md", () => {
  it("names the code of each refusal", () => {
    const page = readFileSync(`${packageRoot}/SECURITY.md`, "utf8");
    for (const { code } of [...servers, ...clients]) assert.ok(page.includes(`\`${code}\``), code);
  });
});
