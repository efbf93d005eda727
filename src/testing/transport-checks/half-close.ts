/** Obligations of every transport: one direction ends, the other goes on. */
import assert from "node:assert/strict";
import { InvalidStateError } from "../../errors.js";
import {
  MEBIBYTE,
  assertSameBytes,
  endWriting,
  patternBytes,
  type Check,
  type TransportFeatures,
} from "./suite.js";

export function halfCloseChecks(check: Check, { halfClose }: TransportFeatures): void {
  check(`canWriteEof() is ${halfClose}`, async (pairs) => {
    const { near } = await pairs.start();
    assert.equal(near.transport.canWriteEof(), halfClose);
    if (halfClose) return;
    assert.throws(() => near.transport.writeEof(), {
      name: "NotImplementedError",
      message: /close\(\)/,
    });
    near.transport.close();
    near.transport.writeEof();
    await near.protocol.lost();
  });

  if (!halfClose) return;

  check("writeEof() ends one direction behind what was written; the other goes on", async (pairs) => {
    const { near, far } = await pairs.start();
    const bytes = patternBytes(3 * MEBIBYTE);
    near.transport.write(bytes);
    near.transport.writeEof();
    await far.protocol.ended();
    assertSameBytes(far.protocol.received, bytes);
    assert.equal(far.transport.isClosing(), false);
    far.transport.write("answer");
    await near.protocol.receivedBytes(6);
    assert.equal(near.transport.isClosing(), false);
    far.transport.writeEof();
    await Promise.all([near.protocol.lost(), far.protocol.lost()]);
    assert.deepEqual(near.protocol.told.slice(-3), ["data", "eof", "lost"]);
    assert.equal(far.protocol.told.at(-1), "lost");
  });

  check(
    "writeEof() forbids to write, also no bytes and also after close(); again or after close() it does nothing",
    async (pairs) => {
      const { near, far } = await pairs.start();
      near.transport.writeEof();
      near.transport.writeEof();
      const refused = { name: "InvalidStateError", message: "Cannot call write() after writeEof()" };
      assert.throws(() => near.transport.write("x"), refused);
      assert.throws(() => near.transport.write(""), refused);
      assert.throws(() => near.transport.writeLines([]), InvalidStateError);
      near.transport.close();
      assert.throws(() => near.transport.write("x"), refused);
      await far.protocol.ended();
      far.transport.close();
      far.transport.writeEof();
      far.transport.write("dropped");
      await far.protocol.lost();
    },
  );

  check(`closes when eofReceived() returns ${halfClose ? "false" : "true or false"}`, async (pairs) => {
    const { near, far } = await pairs.start();
    near.protocol.onEof = () => !halfClose;
    endWriting(far);
    await near.protocol.lost();
    assert.deepEqual(near.protocol.told, ["made", "eof", "lost"]);
  });
}
