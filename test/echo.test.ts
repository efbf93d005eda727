import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openConnection, openUnixConnection, startServer, startUnixServer } from "asyncio-streams";
import type { StreamReader, StreamWriter } from "asyncio-streams";
import { cleanups } from "./support/cleanup.js";
import { portOf } from "./support/addresses.js";
import { temporaryFolder } from "./support/folders.js";

async function echo(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for await (const line of reader) {
    writer.write(line);
    await writer.drain();
  }
}

describe("an echo server", () => {
  const cleanup = cleanups();

  it("answers over TCP", async () => {
    const server = await startServer(echo, "127.0.0.1", 0);
    cleanup(() => server[Symbol.asyncDispose]());
    const [reader, writer] = await openConnection("127.0.0.1", portOf(server));
    cleanup(() => writer[Symbol.asyncDispose]());
    writer.write("Hello World!\n");
    await writer.drain();
    assert.equal((await reader.readLine()).toString(), "Hello World!\n");
  });

  it("answers over a Unix socket", async () => {
    const path = `${await temporaryFolder(cleanup)}/echo.sock`;
    const server = await startUnixServer(echo, path);
    cleanup(() => server[Symbol.asyncDispose]());
    const [reader, writer] = await openUnixConnection(path);
    cleanup(() => writer[Symbol.asyncDispose]());
    writer.write("Hello World!\n");
    assert.equal((await reader.readLine()).toString(), "Hello World!\n");
  });
});
