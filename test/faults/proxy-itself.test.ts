import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, it } from "node:test";
import { cleanups } from "../support/cleanup.js";
import { faultProxy, type FaultKind, type FaultProxy } from "../support/fault-proxy.js";
import { barePort } from "../support/tls-peers.js";
import { isPending } from "../support/turns.js";

/** Node.js's sockets at both ends of a proxy; nothing of the library. */
describe("faultProxy()", () => {
  const cleanup = cleanups();

  async function proxied(kind: FaultKind, after: number) {
    let accept!: (socket: Socket) => void;
    const accepted = new Promise<Socket>((resolve) => (accept = resolve));
    const port = await barePort(cleanup, accept);
    const proxy = await faultProxy(cleanup, port, { kind, direction: "toServer", after });
    const client = connect({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true });
    cleanup(() => client.destroy());
    client.on("error", () => {});
    await once(client, "connect");
    return { proxy, client, server: await accepted };
  }

  /** All that comes, piece by piece, and how it ends. */
  async function receive(socket: Socket): Promise<{ pieces: string[]; end: string }> {
    const pieces: string[] = [];
    socket.on("data", (piece: Buffer) => pieces.push(piece.toString()));
    const end = await new Promise<string>((resolve) => {
      socket.once("end", () => resolve("end"));
      socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code!));
    });
    return { pieces, end };
  }

  function assertPassed({ toServer, isReset }: FaultProxy, passed: number, hasEnded: boolean, reset = false) {
    assert.deepEqual([toServer.passed, toServer.hasEnded, isReset], [passed, hasEnded, reset]);
  }

  it("cut: exactly so many bytes and the end; the other direction goes on", async () => {
    const { proxy, client, server } = await proxied("cut", 3);
    client.write("hello");
    assert.deepEqual(await receive(server), { pieces: ["hel"], end: "end" });
    server.end("back");
    assert.equal((await receive(client)).pieces.join(""), "back");
    assertPassed(proxy, 3, true);
  });

  it("reset: exactly so many bytes, then an RST at both ends", async () => {
    const { proxy, client, server } = await proxied("reset", 3);
    const both = Promise.all([receive(server), receive(client)]);
    client.write("hello");
    const [ofServer, ofClient] = await both;
    assert.equal(ofServer.pieces.join(""), "hel");
    assert.deepEqual(ofClient, { pieces: [], end: "ECONNRESET" });
    assertPassed(proxy, 3, false, true);
  });

  it("stall: so many bytes, and the rest with release()", async () => {
    const { proxy, client, server } = await proxied("stall", 3);
    const all = receive(server);
    client.end("hello");
    await once(server, "data");
    assert.ok(await isPending(all));
    assertPassed(proxy, 3, false);
    proxy.release();
    assert.deepEqual(await all, { pieces: ["hel", "lo"], end: "end" });
  });

  it("dribble: byte by byte behind so many", async () => {
    const { client, server } = await proxied("dribble", 3);
    client.end("hello");
    assert.deepEqual(await receive(server), { pieces: ["hel", "l", "o"], end: "end" });
  });

  it("reorder: the end of the other direction overtakes the rest", async () => {
    const { proxy, client, server } = await proxied("reorder", 3);
    const all = receive(server);
    client.end("hello");
    await once(server, "data");
    assert.ok(await isPending(all));
    server.end();
    assert.deepEqual(await receive(client), { pieces: [], end: "end" });
    assert.deepEqual(await all, { pieces: ["hel", "lo"], end: "end" });
    assertPassed(proxy, 5, true);
  });
});
