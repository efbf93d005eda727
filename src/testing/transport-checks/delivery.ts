/** Obligations of every transport: what is written arrives, all of it and in order. */
import assert from "node:assert/strict";
import { RecordingProtocol } from "../recording-protocol.js";
import { MEBIBYTE, assertSameBytes, patternBytes, sendSteadily, turns, type Check } from "./suite.js";

export function deliveryChecks(check: Check): void {
  check("write() and writeLines() keep the order, whatever the sizes and kinds", async (pairs) => {
    const { near, far } = await pairs.start();
    const sent: Buffer[] = [];
    for (let round = 0; round < 40; round++) {
      const bytes = patternBytes([0, 1, 100, 2048, 2049, 70_000][round % 6]!, round);
      near.transport.write(bytes);
      near.transport.write(`line ${round} é\n`);
      near.transport.writeLines(new Set(["a", Uint8Array.of(98, 10)]));
      sent.push(bytes, Buffer.from(`line ${round} é\nab\n`));
      if (round % 7 === 0) await turns(1);
    }
    const expected = Buffer.concat(sent);
    await far.protocol.receivedBytes(expected.length);
    assertSameBytes(far.protocol.received, expected);
  });

  check("carries much both ways at once, held back by the marks", async (pairs) => {
    const { near, far } = await pairs.start();
    const bytes = patternBytes(6 * MEBIBYTE);
    for (const { transport } of [near, far]) transport.setWriteBufferLimits({ high: 20_000 });
    await Promise.all([sendSteadily(near, bytes), sendSteadily(far, bytes)]);
    for (const { protocol } of [near, far]) {
      await protocol.receivedBytes(bytes.length);
      assertSameBytes(protocol.received, bytes);
    }
    assert.ok(near.protocol.told.includes("pause"), "writing was never paused");
  });

  check("start() delivers nothing before it has returned, and then what came earlier", async (pairs) => {
    const { near, far } = await pairs.make();
    pairs.undo(() => near.abort());
    pairs.undo(() => far.abort());
    far.start(new RecordingProtocol());
    far.write("early");
    await turns(5);
    const protocol = new RecordingProtocol();
    near.start(protocol);
    assert.deepEqual(protocol.told, ["made"]);
    await protocol.receivedBytes(5);
    assert.equal(protocol.received.toString(), "early");
  });
}
