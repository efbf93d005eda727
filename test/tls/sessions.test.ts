import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { createSecureContext } from "node:tls";
import {
  CertificateError,
  openConnection,
  type Connection,
  type TlsOptions,
  type Truncation,
} from "asyncio-streams";
import { makeAuthority, makeSelfSigned } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";
import { tlsEchoPort } from "../support/tls-peers.js";

const authority = makeAuthority();
const trust = { ca: authority.cert };
const forOne = authority.issue({ hosts: ["one.test"], addresses: [] });
const forBoth = authority.issue({ hosts: ["one.test", "two.test"], addresses: [] });
const selfSigned = makeSelfSigned({ hosts: ["one.test"], addresses: [] });

const cleanup = cleanups();

const skip = process.versions["deno"] !== undefined && "Deno never takes up a session";
const METHODS = ["openConnection", "startTls"] as const;
const TRUNCATIONS: readonly Truncation[] = ["ignore", "report"];
const VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;
const WAYS = METHODS.flatMap((method) =>
  TRUNCATIONS.flatMap((truncation) => VERSIONS.map((version) => ({ method, truncation, version }))),
);

for (const { method, truncation, version } of WAYS) {
  describe(`sessions of TLS: ${method}(), truncation ${truncation}, ${version}`, { skip }, () => {
    async function dial(port: number, serverHostname: string, ssl: TlsOptions): Promise<Connection> {
      const options = { maxVersion: version, ...ssl };
      if (method === "openConnection") {
        return opened(await openConnection("127.0.0.1", port, { ssl: options, serverHostname, truncation }));
      }
      const connection = opened(await openConnection("127.0.0.1", port));
      await connection.writer.startTls(options, { serverHostname, truncation });
      return connection;
    }

    const echo = (identity: object) => tlsEchoPort(cleanup, { ...identity, maxVersion: version });

    it("are not taken up unless one is handed in, also with a context that is shared", async () => {
      const port = await echo(forOne);
      const secureContext = createSecureContext({ ...trust, maxVersion: version });
      for (let time = 0; time < 3; time++) {
        const connection = await dial(port, "one.test", { secureContext });
        await sessionOf(connection);
        assert.equal(isResumed(connection), false);
      }
    });

    it("are taken up for the name that they were made for", async () => {
      const port = await echo(forOne);
      const session = await sessionOf(await dial(port, "one.test", trust));
      const connection = await dial(port, "one.test", { ...trust, session });
      await assertEchoes(connection);
      assert.equal(isResumed(connection), true);
      assert.equal(connection.writer.getExtraInfo("authorized"), true);
    });

    it("of one name do not make a server another one", async () => {
      const port = await echo(forOne);
      const session = await sessionOf(await dial(port, "one.test", trust));
      for (const name of ["two.test", "127.0.0.1", "one.test.two.test"]) {
        await assert.rejects(dial(port, name, { ...trust, session }), isFor("ERR_TLS_CERT_ALTNAME_INVALID"));
      }
      const lax = await dial(port, "two.test", { ...trust, session, rejectUnauthorized: false });
      assert.equal(lax.writer.getExtraInfo("authorized"), false);
    });

    it("made without a name do not make a server that one", async () => {
      const port = await echo(forOne);
      const session = await sessionOf(await dial(port, "", trust));
      await assert.rejects(
        dial(port, "two.test", { ...trust, session }),
        isFor("ERR_TLS_CERT_ALTNAME_INVALID"),
      );
    });

    it("of a certificate for both names connect to both", async () => {
      const port = await echo(forBoth);
      const session = await sessionOf(await dial(port, "one.test", trust));
      await assertEchoes(await dial(port, "two.test", { ...trust, session }));
    });

    it("do not go past a checkServerIdentity of one's own", async () => {
      const port = await echo(forOne);
      const session = await sessionOf(await dial(port, "one.test", trust));
      const names: string[] = [];
      const checkServerIdentity = (name: string) => {
        names.push(name);
        return new Error("not the pinned one");
      };
      const pinned = { ...trust, session, checkServerIdentity };
      await assert.rejects(dial(port, "one.test", pinned), /not the pinned one/);
      assert.deepEqual(new Set(names), new Set(["one.test"]));
    });

    it("do not make a server trusted that was not", async () => {
      const port = await echo(selfSigned);
      const session = await sessionOf(await dial(port, "one.test", { rejectUnauthorized: false }));
      await assert.rejects(dial(port, "one.test", { ...trust, session }), CertificateError);
    });

    it("that are none, or cut short, are left out", async () => {
      const port = await echo(forOne);
      const session = await sessionOf(await dial(port, "one.test", trust));
      const broken = [0, 1, 30, 200, session.length - 1].map((size) => session.subarray(0, size));
      for (const bytes of [...broken, Buffer.alloc(100), Buffer.from("0\x84\xff\xff\xff\xff", "latin1")]) {
        const connection = await dial(port, "one.test", { ...trust, session: bytes });
        await assertEchoes(connection);
        assert.equal(isResumed(connection), false);
      }
    });
  });
}

function opened(connection: Connection): Connection {
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

/** With TLS 1.3 it comes after the handshake. */
async function sessionOf(connection: Connection): Promise<Buffer> {
  const engine = connection.writer.getExtraInfo("sslObject")!;
  const session = once(engine, "session") as Promise<[Buffer]>;
  session.catch(() => {});
  await assertEchoes(connection);
  return engine.getProtocol() === "TLSv1.3" ? (await session)[0] : engine.getSession()!;
}

function isResumed({ writer }: Connection): boolean {
  return writer.getExtraInfo("sslObject")!.isSessionReused();
}

function isFor(code: string) {
  return (error: unknown) => error instanceof CertificateError && error.code === code;
}
