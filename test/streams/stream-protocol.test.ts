import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ReceiveBuffer } from "#src/streams/receive-buffer.js";
import { StreamProtocol } from "#src/streams/stream-protocol.js";
import type { Transport } from "#src/transport/transport.js";
import { RecordingTransport } from "../support/recording-transport.js";
import { isPending } from "../support/turns.js";

describe("StreamProtocol", () => {
  it("lets go who waits until all is sent when the transport that takes over holds nothing", async () => {
    const protocol = new StreamProtocol(new ReceiveBuffer(10));
    const flushed = protocol.flushGate.pass();
    const holding = (bytes: number) => ({ getWriteBufferSize: () => bytes }) as Transport;
    protocol.connectionMade(holding(1));
    assert.equal(await isPending(flushed), true);
    protocol.connectionMade(holding(0));
    await flushed;
    assert.equal(
      await isPending(protocol.flushGate.pass()),
      true,
      "what is written later is waited for anew",
    );
  });

  it("tells who waits until all is sent that it was not, when the connection ends without an error", async () => {
    const protocol = new StreamProtocol(new ReceiveBuffer(10));
    const flushed = protocol.flushGate.pass();
    protocol.connectionLost(undefined);
    await assert.rejects(flushed, {
      name: "ConnectionResetError",
      message: "Connection lost before everything was sent",
    });
  });

  it("keeps flow control right over an upgrade: what was paused is not, with the transport that takes over", () => {
    const buffer = new ReceiveBuffer(10);
    const [before, after] = [new RecordingTransport(), new RecordingTransport()];
    buffer.setTransport(before);
    buffer.feed(Buffer.alloc(21));
    assert.equal(buffer.takeBack().length, 21);
    buffer.replaceTransport(after);
    buffer.feed(Buffer.alloc(21));
    assert.deepEqual([before.calls, after.calls], [["pause"], ["pause"]]);
  });
});
