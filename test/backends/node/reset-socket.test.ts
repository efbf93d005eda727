import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { openConnection, type Connection } from "asyncio-streams";
import { fromDuplex } from "asyncio-streams/node";
import { makeAuthority } from "../../support/certificates.js";
import { leavingNothing } from "../../support/open-resources.js";
import { barePort, tlsEchoPort } from "../../support/tls-peers.js";
import { turns } from "../../support/turns.js";

type Cleanup = (undo: () => unknown) => void;

const authority = makeAuthority();
const identity = authority.issue();

async function socketTo(port: number) {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  await once(socket, "connect");
  return socket;
}

const bare = (cleanup: Cleanup) => barePort(cleanup, (socket) => void socket.resume());
const overTls = async (cleanup: Cleanup, truncation: "ignore" | "report") =>
  openConnection("127.0.0.1", await tlsEchoPort(cleanup, identity), {
    ssl: { ca: authority.cert },
    truncation,
  });

const CONNECTIONS: Readonly<Record<string, (cleanup: Cleanup) => Promise<Connection>>> = {
  tcp: async (cleanup) => openConnection("127.0.0.1", await bare(cleanup)),
  "a socket of others": async (cleanup) => fromDuplex(await socketTo(await bare(cleanup))),
  "native TLS": (cleanup) => overTls(cleanup, "ignore"),
  "bridged TLS": (cleanup) => overTls(cleanup, "report"),
};

describe("transport.reset() while our own end is being sent", () => {
  for (const [kind, open] of Object.entries(CONNECTIONS)) {
    for (const ending of ["writeEof", "close"] as const) {
      if (ending === "writeEof" && kind.includes("TLS")) continue;
      it(`ends the connection, and leaves nothing open: ${kind}, up to 3 turns behind ${ending}()`, async () => {
        for (const wait of [0, 1, 2, 3]) {
          await leavingNothing(async (cleanup) => {
            const { writer } = await open(cleanup);
            writer.write("last");
            await writer.flush();
            await turns(1);
            writer[ending]();
            await turns(wait);
            writer.transport.reset();
            await writer.waitClosed();
            assert.equal(writer.transport.isClosing(), true);
          });
        }
      });
    }
  }
});
