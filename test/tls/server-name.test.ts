import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { CertificateError, openConnection, startServer, type TlsOptions } from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import { makeAuthority, type Authority } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";
import { tlsEchoPort } from "../support/tls-peers.js";

describe("the name that a certificate must have", () => {
  const cleanup = cleanups();
  let authority: Authority;
  before(() => {
    authority = makeAuthority();
  });

  it("is serverHostname, else servername of the TLS options, else the host (57)", async () => {
    const identity = authority.issue({ hosts: ["other.test"], addresses: [] });
    const server = await startServer(async (reader) => reader.read(), "127.0.0.1", 0, {
      ssl: identity,
      onError: () => {},
    });
    cleanup(() => server[Symbol.asyncDispose]());
    const ca = authority.cert;
    const connect = async (options: object) => {
      const connection = await openConnection("127.0.0.1", portOf(server), options);
      const name = connection.writer.getExtraInfo("servername");
      await connection[Symbol.asyncDispose]();
      return name;
    };
    assert.equal(await connect({ ssl: { ca, servername: "other.test" } }), "other.test");
    assert.equal(
      await connect({ ssl: { ca, servername: "x.test" }, serverHostname: "other.test" }),
      "other.test",
    );
    await assert.rejects(connect({ ssl: { ca } }), CertificateError);
    await assert.rejects(connect({ ssl: { ca, servername: "x.test" } }), CertificateError);
  });

  for (const truncation of ["ignore", "report"] as const) {
    const dial = async (serverHostname: string, options: TlsOptions = {}) => {
      const identity = authority.issue({ hosts: ["xn--bcher-kva.test"], addresses: [] });
      const port = await tlsEchoPort(cleanup, identity);
      const ssl = { ca: authority.cert, ...options };
      const { writer } = await openConnection("127.0.0.1", port, { ssl, serverHostname, truncation });
      cleanup(() => writer.transport.abort());
      return writer.getExtraInfo("servername");
    };

    it(`is asked for, and compared, in its ASCII form, truncation: ${truncation}`, async () => {
      for (const name of ["bücher.test", "BÜCHER.test", "xn--bcher-kva.test"]) {
        assert.equal(await dial(name), "xn--bcher-kva.test");
      }
      await assert.rejects(dial("büchen.test"), { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
    });

    it(`is checked if checkServerIdentity is undefined, truncation: ${truncation}`, async () => {
      const none = { checkServerIdentity: undefined } as object;
      await dial("xn--bcher-kva.test", none);
      await assert.rejects(dial("other.test", none), { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
    });

    it(`is refused if checkServerIdentity throws, truncation: ${truncation}`, async () => {
      const checkServerIdentity = () => {
        throw new Error("not this one");
      };
      await assert.rejects(
        dial("xn--bcher-kva.test", { checkServerIdentity }),
        /^CertificateError: not this one$/,
      );
    });
  }
});
