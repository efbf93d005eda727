/** Obligations of every transport: `close()`, `abort()`, and what comes after them. */
import assert from "node:assert/strict";
import { MEBIBYTE, TOO_MUCH, assertSameBytes, endWriting, patternBytes, turns, type Check } from "./suite.js";

export function endingChecks(check: Check): void {
  check(
    "connectionLost() comes after close(), abort() and the peer's end, so that waitClosed() settles",
    async (pairs) => {
      for (const end of ["close", "abort"] as const) {
        const { near, far } = await pairs.start();
        near.transport[end]();
        await near.protocol.lost();
        await far.protocol.until(() => far.protocol.told.includes("eof") || far.protocol.isLost);
        far.transport.close();
        await far.protocol.lost();
      }
      const { near, far } = await pairs.start();
      far.transport.close();
      await near.protocol.ended();
      near.transport.close();
      await Promise.all([near.protocol.lost(), far.protocol.lost()]);
    },
  );

  check("close() sends what was written, drops what is written after it, and ends later", async (pairs) => {
    const { near, far } = await pairs.start();
    far.transport.pauseReading();
    const bytes = patternBytes(12 * MEBIBYTE);
    near.transport.write(bytes);
    near.transport.close();
    near.transport.close();
    assert.equal(near.transport.isClosing(), true);
    near.transport.write("dropped");
    near.transport.writeLines(["dropped"]);
    await turns(5);
    near.transport.write("dropped");
    assert.equal(near.protocol.isLost, false);
    far.transport.resumeReading();
    await Promise.all([near.protocol.lost(), far.protocol.ended()]);
    assertSameBytes(far.protocol.received, bytes);
    assert.equal(near.protocol.told.at(-1), "lost");
  });

  check("close() with nothing to send ends soon, but not within the call", async (pairs) => {
    const { near, far } = await pairs.start();
    near.transport.close();
    assert.deepEqual(near.protocol.told, ["made"]);
    await Promise.all([near.protocol.lost(), far.protocol.ended()]);
    assert.deepEqual(near.protocol.told, ["made", "lost"]);
    near.transport.close();
    near.transport.abort();
    await turns(3);
    assert.deepEqual(near.protocol.told, ["made", "lost"]);
  });

  check("delivers nothing after close()", async (pairs) => {
    const { near, far } = await pairs.start();
    near.protocol.onData = () => near.transport.close();
    far.transport.write("x");
    await near.protocol.receivedBytes(1);
    far.transport.write(patternBytes(MEBIBYTE));
    endWriting(far);
    await near.protocol.lost();
    assert.equal(near.protocol.size, 1);
    assert.deepEqual(near.protocol.told, ["made", "data", "lost"]);
  });

  check("abort() drops what is buffered and ends without an error", async (pairs) => {
    const { near, far } = await pairs.start();
    far.transport.pauseReading();
    near.transport.write(patternBytes(TOO_MUCH));
    await turns(2);
    near.transport.abort();
    assert.equal(near.transport.isClosing(), true);
    assert.equal(near.protocol.isLost, false);
    near.transport.write("dropped");
    await near.protocol.lost();
    assert.deepEqual(near.protocol.told, ["made", "pause", "lost"]);
    far.transport.resumeReading();
    await far.protocol.until(() => far.protocol.told.includes("eof") || far.protocol.isLost);
    assert.ok(far.protocol.size < TOO_MUCH);
  });

  check("abort() drops what was written in the same tick", async (pairs) => {
    const { near, far } = await pairs.start();
    near.transport.write("dropped");
    near.transport.abort();
    await near.protocol.lost();
    // Bytes that nobody has read there, such as tickets of TLS, make it an RST.
    await far.protocol.until(() => far.protocol.told.includes("eof") || far.protocol.isLost);
    assert.equal(far.protocol.size, 0);
  });

  check("abort() ends a close() that cannot send", async (pairs) => {
    const { near, far } = await pairs.start();
    far.transport.pauseReading();
    near.transport.write(patternBytes(TOO_MUCH));
    near.transport.close();
    await turns(10);
    assert.equal(near.protocol.isLost, false);
    near.transport.abort();
    await near.protocol.lost();
    assert.equal(near.protocol.told.at(-1), "lost");
  });

  for (const where of ["onData", "onEof"] as const) {
    check(`ends with what the protocol throws in ${where}`, async (pairs) => {
      const { near, far } = await pairs.start();
      near.protocol[where] = () => {
        near.protocol[where] = () => true;
        throw new RangeError("from the protocol");
      };
      far.transport.write("x");
      endWriting(far);
      await near.protocol.lost();
      assert.equal(near.protocol.error?.message, "from the protocol");
    });
  }
}
