import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectSocket } from "node:net";
import { describe, it } from "node:test";
import { connect, createServer } from "node:tls";
import { CertificateError, openConnection, startServer } from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import { makeAuthority, makeForged } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";

const authority = makeAuthority();

describe("a certificate that names a trusted authority, which has not signed it", () => {
  const cleanup = cleanups();

  for (const version of [1, 3] as const) {
    const forged = makeForged(authority, version);

    for (const truncation of ["ignore", "report"] as const) {
      it(`is refused by openConnection(): version ${version}, truncation ${truncation} (57, 98)`, async () => {
        const server = createServer(forged, (socket) => socket.on("error", () => {}));
        cleanup(() => server.close());
        server.on("tlsClientError", () => {}).listen(0, "127.0.0.1");
        await once(server, "listening");
        const { port } = server.address() as { port: number };
        const options = { ssl: { ca: authority.cert }, serverHostname: "localhost", truncation };
        await assert.rejects(openConnection("127.0.0.1", port, options), CertificateError);
      });
    }

    it(`is refused by startServer(): version ${version} (57, 98)`, async () => {
      const errors: unknown[] = [];
      let served = 0;
      const ssl = { ...authority.issue(), ca: authority.cert, requestCert: true };
      const server = await startServer(() => void served++, "127.0.0.1", 0, {
        ssl,
        onError: (error) => errors.push(error),
      });
      cleanup(() => server[Symbol.asyncDispose]());
      const client = connect({
        port: portOf(server),
        host: "127.0.0.1",
        rejectUnauthorized: false,
        ...forged,
      });
      cleanup(() => client.destroy());
      client.on("error", () => {}).resume();
      await once(client, "close");
      assert.equal(served, 0);
      assert.ok(errors[0] instanceof CertificateError, String(errors[0]));
    });
  }
});

it("a client without a certificate is not authorized where one is asked for", async () => {
  const server = await startServer(
    (_reader, writer) => writer.write(`${writer.getExtraInfo("authorized")}\n`),
    "127.0.0.1",
    0,
    { ssl: { ...authority.issue(), ca: authority.cert, requestCert: true, rejectUnauthorized: false } },
  );
  try {
    const { reader, writer } = await openConnection("127.0.0.1", portOf(server), {
      ssl: { ca: authority.cert },
    });
    assert.equal((await reader.readLine()).toString(), "false\n");
    writer.close();
  } finally {
    await server[Symbol.asyncDispose]();
  }
});

it("a server goes on when what came before the handshake is none", async () => {
  const errors: unknown[] = [];
  const server = await startServer(
    async (reader, writer) => {
      await reader.readLine();
      writer.write("go\n");
      await writer.drain();
      await writer.startTls(authority.issue());
    },
    "127.0.0.1",
    0,
    { onError: (error) => errors.push(error) },
  );
  try {
    for (let count = 0; count < 3; count++) {
      const socket = connectSocket(portOf(server), "127.0.0.1").on("error", () => {});
      socket.write("STARTTLS\nno handshake, but plain text that is long enough to be looked at\n");
      socket.resume();
      await once(socket, "close");
    }
    assert.equal(server.isServing(), true);
    assert.equal(errors.length > 0, true);
  } finally {
    await server[Symbol.asyncDispose]();
  }
});
