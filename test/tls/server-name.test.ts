import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { CertificateError, openConnection, startServer } from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import { makeAuthority, type Authority } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";

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
});
