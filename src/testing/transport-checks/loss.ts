/** Obligations of every transport: the peer goes. Each loss is told once and last, behind what had come. */
import assert from "node:assert/strict";
import { RecordingProtocol } from "../recording-protocol.js";
import {
  RESET_OR_PIPE,
  TOO_MUCH,
  assertLost,
  patternBytes,
  turns,
  type Check,
  type TransportFeatures,
} from "./suite.js";

/** Far more than it takes to hear of a loss. */
const MOST_TURNS = 10_000;

export function lossChecks(check: Check, { halfClose, tellsAbort }: TransportFeatures): void {
  check("the peer's end while open is the end of the stream", async (pairs) => {
    const { near, far } = await pairs.start();
    far.transport.write("last");
    far.transport.close();
    await near.protocol.ended();
    assert.deepEqual(near.protocol.told.slice(0, 3), ["made", "data", "eof"]);
    if (halfClose) assert.equal(near.protocol.told.length, 3, near.protocol.told.join(", "));
    near.transport.close();
    await assertLost(near, [""]);
  });

  const becomesLoss = halfClose || tellsAbort;

  check(`the peer's end is the ${becomesLoss ? "loss" : "end"} for who goes on writing`, async (pairs) => {
    const { near, far } = await pairs.start();
    near.transport.write("first");
    await far.protocol.receivedBytes(5);
    far.transport.write("last");
    await near.protocol.receivedBytes(4);
    far.transport.abort();
    await near.protocol.until(() => near.protocol.told.includes("eof") || tellsAbort);
    for (let turn = 0; !near.protocol.isLost; turn++) {
      assert.ok(turn < MOST_TURNS, "the loss was never told");
      near.transport.write("x");
      await turns(1);
    }
    await assertLost(near, becomesLoss ? RESET_OR_PIPE : [""]);
    assert.equal(near.protocol.received.toString(), "last");
  });

  check("the peer's end while close() is sending is a loss with an error", async (pairs) => {
    const { near, far } = await pairs.start();
    far.transport.pauseReading();
    near.transport.write(patternBytes(TOO_MUCH));
    near.transport.close();
    await turns(5);
    far.transport.abort();
    await assertLost(near, RESET_OR_PIPE);
  });

  check("abort() before start() frees the connection", async (pairs) => {
    const { near, far } = await pairs.make();
    const protocol = new RecordingProtocol();
    far.start(protocol);
    near.abort();
    await protocol.until(() => protocol.told.includes("eof") || protocol.isLost);
    far.abort();
    await protocol.lost();
  });
}
