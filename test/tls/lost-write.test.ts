import assert from "node:assert/strict";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { describe, it } from "node:test";
import { openUnixConnection, startUnixServer, type Truncation } from "asyncio-streams";
import { makeAuthority } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";
import { temporaryFolder } from "../support/folders.js";
import { turns } from "../support/turns.js";

const authority = makeAuthority();
const SERVER = { secureContext: createSecureContext(authority.issue()) };
const CLIENT = { secureContext: createSecureContext({ ca: authority.cert }) };

describe("waitClosed() of a server whose client is gone right behind the handshake", () => {
  const cleanup = cleanups();

  /** How it ends if the client goes so many turns behind its only bytes. */
  async function endOf(truncation: Truncation, path: string, wait: number): Promise<string> {
    let settle!: (end: Promise<string>) => void;
    const ended = new Promise<string>((resolve) => (settle = resolve));
    const server = await startUnixServer(
      async (reader, writer) => {
        try {
          await reader.readLine();
          await writer.startTls(SERVER, { truncation, sslShutdownTimeout: 5_000 });
          writer.write(await reader.read(8_192));
          await reader.read(8_192);
          writer.close();
        } finally {
          const nameOf = (error: Error) => error.name;
          settle(writer.waitClosed().then(() => "closed", nameOf));
        }
      },
      path,
      { onError: () => {} },
    );
    const { writer } = await openUnixConnection(path);
    writer.write("STARTTLS\n");
    await writer.startTls(CLIENT, { serverHostname: "localhost" });
    writer.write(Buffer.alloc(3_000));
    await turns(wait);
    writer.transport.abort();
    const end = await ended;
    await server[Symbol.asyncDispose]();
    return end;
  }

  for (const truncation of ["ignore", "report"] as const) {
    it(`does not wait for what the runtime has lost: truncation: "${truncation}"`, async () => {
      const folder = await temporaryFolder(cleanup);
      for (let wait = 0; wait < 10; wait++) {
        const ends = Array.from({ length: 10 }, (_, index) =>
          endOf(truncation, join(folder, `${wait} ${index}`), wait),
        );
        for (const end of await Promise.all(ends)) {
          assert.match(end, /^(closed|ConnectionResetError|BrokenPipeError)$/, `${wait} turns`);
        }
      }
    });
  }
});
