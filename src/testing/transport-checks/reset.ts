/** Obligations of every transport: `reset()`, and for those that there is such a thing, the reset of the peer. */
import assert from "node:assert/strict";
import { RecordingProtocol } from "../recording-protocol.js";
import {
  RESET,
  RESET_OR_PIPE,
  TOO_MUCH,
  assertLost,
  assertSameBytes,
  patternBytes,
  turns,
  type Check,
  type TransportFeatures,
} from "./suite.js";

export function resetChecks(check: Check, features: TransportFeatures): void {
  const { halfClose, resets } = features;
  const outcome = resets ? "the peer gets ECONNRESET" : "the peer hears of it";
  check(`reset() drops what is buffered, ends without an error, and ${outcome}`, async (pairs) => {
    for (const closing of [false, true]) {
      const { near, far } = await pairs.start();
      near.transport.write("arrives");
      await far.protocol.receivedBytes(7);
      far.transport.pauseReading();
      near.transport.write(patternBytes(TOO_MUCH));
      await turns(5);
      if (closing) near.transport.close();
      near.transport.reset();
      near.transport.reset();
      near.transport.abort();
      assert.equal(near.transport.isClosing(), true);
      await near.protocol.lost();
      assert.equal(near.protocol.error, undefined);
      far.transport.resumeReading();
      await far.protocol.until(() => far.protocol.told.includes("eof") || far.protocol.isLost);
      assert.ok(far.protocol.size < TOO_MUCH);
      // The far end of TLS may take a reset that meets data for the end.
      if (resets && halfClose) assert.equal(far.protocol.told.at(-1), "lost ECONNRESET");
    }
  });

  check("reset() before start() frees the connection, and after abort() does nothing", async (pairs) => {
    const { near, far } = await pairs.make();
    const protocol = new RecordingProtocol();
    far.start(protocol);
    near.reset();
    await protocol.until(() => protocol.told.includes("eof") || protocol.isLost);
    far.abort();
    far.reset();
    await protocol.lost();
  });

  if (!resets) return;

  check("reset() of a quiet connection is ECONNRESET for the peer", async (pairs) => {
    const { near, far } = await pairs.start();
    near.transport.write("x");
    await far.protocol.receivedBytes(1);
    await turns(2);
    near.transport.reset();
    await Promise.all([near.protocol.lost(), far.protocol.lost()]);
    assert.deepEqual(near.protocol.told, ["made", "lost"]);
    assert.deepEqual(far.protocol.told, ["made", "data", "lost ECONNRESET"]);
  });

  check("a reset while open comes behind the bytes before it", async (pairs) => {
    const { near, far, reset } = await pairs.start();
    far.transport.write("last");
    await turns(1);
    reset();
    await assertLost(near, features.mistakesReset ? ["", ...RESET] : RESET);
    const isMistaken = near.protocol.told.at(-1) === "lost";
    const end = isMistaken ? ["eof", "lost"] : ["lost ECONNRESET"];
    assert.deepEqual(near.protocol.told, ["made", "data", ...end]);
    assert.equal(near.protocol.received.toString(), "last");
  });

  check("a reset while paused comes behind all bytes before it", async (pairs) => {
    const { near, far, reset } = await pairs.start();
    near.transport.pauseReading();
    // Not more than the other side takes before it is asked.
    const bytes = patternBytes(60_000);
    far.transport.write(bytes);
    await turns(5);
    reset();
    await turns(5);
    near.transport.resumeReading();
    await assertLost(near, RESET);
    assertSameBytes(near.protocol.received, bytes);
    assert.ok(!near.protocol.told.includes("eof"));
  });

  const checkHalfClose: Check = features.halfClose ? check : () => {};
  checkHalfClose(
    "a reset after our writeEof() comes behind the bytes before it, and is no end of the stream",
    async (pairs) => {
      const { near, far, reset } = await pairs.start();
      near.transport.writeEof();
      await far.protocol.ended();
      far.transport.write("last");
      await turns(1);
      reset();
      await assertLost(near, RESET);
      assert.deepEqual(near.protocol.told, ["made", "data", "lost ECONNRESET"]);
    },
  );

  check("a reset while writing is paused leaves it paused to the end", async (pairs) => {
    const { near, far, reset } = await pairs.start();
    far.transport.pauseReading();
    near.transport.write(patternBytes(TOO_MUCH));
    far.transport.write("last");
    await near.protocol.receivedBytes(4);
    reset();
    await assertLost(near, RESET_OR_PIPE);
    assert.deepEqual(near.protocol.told.slice(0, 3), ["made", "pause", "data"]);
    assert.equal(near.protocol.told.length, 4, near.protocol.told.join(", "));
  });

  check("a reset while paused both ways loses no byte that had come", async (pairs) => {
    const { near, far, reset } = await pairs.start();
    near.transport.pauseReading();
    far.transport.pauseReading();
    far.transport.write("last");
    near.transport.write(patternBytes(TOO_MUCH));
    await turns(5);
    reset();
    await turns(5);
    near.transport.resumeReading();
    await assertLost(near, RESET_OR_PIPE);
    assert.equal(near.protocol.received.toString(), "last");
  });

  check("a reset while close() is sending is a loss with an error", async (pairs) => {
    const { near, far, reset } = await pairs.start();
    far.transport.pauseReading();
    near.transport.write(patternBytes(TOO_MUCH));
    near.transport.close();
    await turns(5);
    reset();
    await assertLost(near, RESET_OR_PIPE);
  });

  check("a loss before start() is told once, behind the bytes before it", async (pairs) => {
    for (const wait of [0, 1, 2, 5]) {
      const { near, far, reset } = await pairs.make();
      far.start(new RecordingProtocol());
      far.write("last");
      await turns(2);
      reset!();
      await turns(wait);
      const protocol = new RecordingProtocol();
      near.start(protocol);
      assert.deepEqual(protocol.told, ["made"]);
      await assertLost({ protocol, transport: near }, RESET);
      assert.equal(protocol.received.toString(), "last");
    }
  });
}
