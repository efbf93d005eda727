import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { checkTransport, type MakePair, type TransportPair } from "asyncio-streams/testing";
import { connectionOver, transportOver, type Channel } from "asyncio-streams/transport";
import { WebSocket, WebSocketServer } from "ws";

/** The examples are built after the tests. */
const example = new URL("../../examples/websocket-channel.js", import.meta.url).href;
const { WebSocketChannel } = (await import(example)) as {
  WebSocketChannel: new (webSocket: WebSocket) => Channel;
};

const pairOfWebSockets: MakePair<TransportPair> = async (undo) => {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  undo(() => new Promise((resolve) => server.close(resolve)));
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, "connection") as Promise<[WebSocket]>;
  const client = new WebSocket(`ws://127.0.0.1:${port}`);
  client.pause();
  await once(client, "open");
  const [peer] = await accepted;
  const channels = [client, peer].map((webSocket) => new WebSocketChannel(webSocket));
  undo(() => channels.forEach((channel) => channel.destroy()));
  return { near: transportOver(channels[0]!), far: transportOver(channels[1]!) };
};

describe("WebSocketChannel", () => {
  it("meets the obligations of a transport", async () => {
    const count = await checkTransport(pairOfWebSockets, { tellsAbort: true, timeout: 30_000 });
    assert.ok(count > 30, `${count} obligations`);
  });

  it("carries lines of text both ways", async () => {
    const undos: (() => unknown)[] = [];
    const { near, far } = await pairOfWebSockets((undo) => undos.push(undo));
    const [client, server] = [connectionOver(near), connectionOver(far, { side: "server" })];
    client.writer.write("hello\n");
    assert.equal((await server.reader.readLine()).toString(), "hello\n");
    server.writer.write("world\n");
    server.writer.close();
    assert.equal((await client.reader.read()).toString(), "world\n");
    await Promise.all([client.writer.waitClosed(), server.writer.waitClosed()]);
    for (const undo of undos.toReversed()) await undo();
  });
});
