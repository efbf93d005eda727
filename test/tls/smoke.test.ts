import assert from "node:assert/strict";
import { it } from "node:test";
import { openConnection, startServer } from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import { makeAuthority } from "../support/certificates.js";

it("works", async () => {
  const ca = makeAuthority();
  const server = await startServer(async (r, w) => w.write(await r.readLine()), "127.0.0.1", 0, {
    ssl: ca.issue(),
  });
  const [reader, writer] = await openConnection("127.0.0.1", portOf(server), { ssl: { ca: ca.cert } });
  writer.write("x\n");
  assert.equal((await reader.readLine()).toString(), "x\n");
  await writer[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});
