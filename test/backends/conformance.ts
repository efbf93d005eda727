/** What every transport does, whatever carries its bytes. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { InvalidStateError } from "asyncio-streams";
import type { StartableTransport } from "#src/transport/transport.js";
import { patternBytes } from "../support/bytes.js";
import { cleanups } from "../support/cleanup.js";
import { RecordingProtocol } from "../support/recording-protocol.js";
import { turns } from "../support/turns.js";

/** Two transports that are connected with each other, and not started. */
interface TransportPair {
  /** The one that is tested. */
  readonly near: StartableTransport;
  readonly far: StartableTransport;
  /** Ends the connection from the far side with an RST, where there is such a thing. */
  readonly reset?: () => void;
}

type PairWithReset = Required<TransportPair>;

export type MakePair = (cleanup: (undo: () => unknown) => void) => Promise<TransportPair>;

const MEBIBYTE = 1_048_576;
/** More than the buffers between two ends hold. */
const TOO_MUCH = 32 * MEBIBYTE;

/** What a kind of pair has. */
export interface Features {
  /** A `reset`. */
  readonly resets: boolean;
  /** TLS: no direction ends alone, the peer's end is ours too, and the marks are higher. Default false. */
  readonly tls?: boolean;
  /** The runtime takes a reset for the end of the stream when it comes together with data. Default false. */
  readonly mistakesReset?: boolean;
}

/** What the pairs of `makePair` do. */
export function describeTransport(name: string, makePair: MakePair, features: Features): void {
  const { resets, tls = false, mistakesReset = false } = features;
  const [defaultLow, defaultHigh] = tls ? [131_072, 524_288] : [16_384, 65_536];

  describe(name, () => {
    const cleanup = cleanups();

    async function startedPair() {
      const pair = (await makePair(cleanup)) as PairWithReset;
      const [near, far] = [pair.near, pair.far].map((transport) => {
        const protocol = new RecordingProtocol();
        transport.start(protocol);
        cleanup(() => {
          transport.abort();
          return protocol.lost();
        });
        return { transport, protocol };
      }) as [End, End];
      return { near, far, reset: pair.reset };
    }

    it("write() and writeLines() keep the order, whatever the sizes and kinds", async () => {
      const { near, far } = await startedPair();
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
      assert.ok(far.protocol.received.equals(expected));
    });

    it("carries much both ways at once, held back by the marks", async () => {
      const { near, far } = await startedPair();
      const bytes = patternBytes(6 * MEBIBYTE);
      for (const { transport } of [near, far]) transport.setWriteBufferLimits({ high: 20_000 });
      await Promise.all([sendSteadily(near, bytes), sendSteadily(far, bytes)]);
      for (const { protocol } of [near, far]) {
        await protocol.receivedBytes(bytes.length);
        assert.ok(protocol.received.equals(bytes));
      }
      assert.ok(near.protocol.told.includes("pause"), "writing was never paused");
    });

    it("start() delivers nothing before it has returned, and then what came earlier", async () => {
      const { near, far } = await makePair(cleanup);
      cleanup(() => near.abort());
      cleanup(() => far.abort());
      far.start(new RecordingProtocol());
      far.write("early");
      await turns(5);
      const protocol = new RecordingProtocol();
      near.start(protocol);
      assert.deepEqual(protocol.told, ["made"]);
      await protocol.receivedBytes(5);
      assert.equal(protocol.received.toString(), "early");
    });

    // Half-close.

    const endWriting = ({ transport }: End) => (tls ? transport.close() : transport.writeEof());

    it(`canWriteEof() is ${!tls}`, async () => {
      const { near } = await startedPair();
      assert.equal(near.transport.canWriteEof(), !tls);
      if (!tls) return;
      assert.throws(() => near.transport.writeEof(), {
        name: "NotImplementedError",
        message: /TLS.+close\(\)/,
      });
      near.transport.close();
      near.transport.writeEof();
      await near.protocol.lost();
    });

    const itHalfCloses = (criterion: string, test: () => Promise<void>): void => {
      if (!tls) it(criterion, test);
    };

    itHalfCloses(
      "writeEof() ends one direction behind what was written; the other goes on (32, 40)",
      async () => {
        const { near, far } = await startedPair();
        const bytes = patternBytes(3 * MEBIBYTE);
        near.transport.write(bytes);
        near.transport.writeEof();
        await far.protocol.ended();
        assert.ok(far.protocol.received.equals(bytes));
        assert.equal(far.transport.isClosing(), false);
        far.transport.write("answer");
        await near.protocol.receivedBytes(6);
        assert.equal(near.transport.isClosing(), false);
        far.transport.writeEof();
        await Promise.all([near.protocol.lost(), far.protocol.lost()]);
        assert.deepEqual(near.protocol.told.slice(-3), ["data", "eof", "lost"]);
        assert.equal(far.protocol.told.at(-1), "lost");
      },
    );

    itHalfCloses(
      "writeEof() forbids to write, also no bytes and also after close(); again or after close() it does nothing (37, 40)",
      async () => {
        const { near, far } = await startedPair();
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

    it(`closes when eofReceived() returns ${tls ? "true or false (96)" : "false"}`, async () => {
      const { near, far } = await startedPair();
      near.protocol.onEof = () => tls;
      endWriting(far);
      await near.protocol.lost();
      assert.deepEqual(near.protocol.told, ["made", "eof", "lost"]);
    });

    // Back-pressure.

    it("pauseWriting() comes above the high mark, resumeWriting() at the low one or below (46)", async () => {
      const { near, far } = await startedPair();
      far.transport.pauseReading();
      near.transport.setWriteBufferLimits({ high: 30_000, low: 10_000 });
      const sizes: number[] = [];
      let written = 0;
      while (!near.protocol.isWritingPaused) {
        assert.ok(near.transport.getWriteBufferSize() <= 30_000);
        near.transport.write(patternBytes(10_000));
        written += 10_000;
        if (near.transport.getWriteBufferSize() <= 30_000) await turns(1);
      }
      assert.ok(near.transport.getWriteBufferSize() > 30_000);
      void near.protocol
        .until(() => near.protocol.told.at(-1) === "resume")
        .then(() => sizes.push(near.transport.getWriteBufferSize()));
      far.transport.resumeReading();
      await far.protocol.receivedBytes(written);
      await near.protocol.until(() => !near.protocol.isWritingPaused);
      assert.ok(sizes[0]! <= 10_000);
      assert.deepEqual(
        near.protocol.told.filter((name) => name !== "data"),
        ["made", "pause", "resume"],
      );
    });

    it("pauseReading() stops the flow and bounds what is taken; resumeReading() loses nothing", async () => {
      const { near, far } = await startedPair();
      near.transport.write("x");
      await far.protocol.receivedBytes(1);
      far.transport.pauseReading();
      const bytes = patternBytes(256 * 1024);
      let written = 0;
      for (let quiet = 0; quiet < 30 && written < TOO_MUCH; quiet++) {
        await turns(1);
        if (near.protocol.isWritingPaused) continue;
        near.transport.write(bytes);
        written += bytes.length;
        quiet = 0;
      }
      assert.ok(written < TOO_MUCH, "writing was never held back");
      assert.equal(far.protocol.size, 1);
      far.transport.resumeReading();
      await far.protocol.receivedBytes(1 + written);
      const received = far.protocol.received.subarray(1);
      for (let start = 0; start < written; start += bytes.length) {
        assert.ok(received.subarray(start, start + bytes.length).equals(bytes));
      }
    });

    it("pauseReading() in dataReceived() holds at once", async () => {
      const { near, far } = await startedPair();
      const bytes = patternBytes(4 * MEBIBYTE);
      let overrun = 0;
      near.protocol.onData = () => {
        if (!near.transport.isReading()) overrun++;
        near.transport.pauseReading();
        setImmediate(() => near.transport.resumeReading());
      };
      far.transport.write(bytes);
      await near.protocol.receivedBytes(bytes.length);
      assert.ok(near.protocol.received.equals(bytes));
      assert.equal(overrun, 0);
    });

    it("pauseReading() and resumeReading() are idempotent, and do nothing once closing (54)", async () => {
      const { near, far } = await startedPair();
      near.transport.resumeReading();
      near.transport.pauseReading();
      near.transport.pauseReading();
      assert.equal(near.transport.isReading(), false);
      near.transport.resumeReading();
      assert.equal(near.transport.isReading(), true);
      far.transport.write("x");
      await near.protocol.receivedBytes(1);
      near.transport.close();
      assert.equal(near.transport.isReading(), false);
      near.transport.pauseReading();
      near.transport.resumeReading();
      await near.protocol.lost();
      near.transport.resumeReading();
      assert.deepEqual(near.protocol.told, ["made", "data", "lost"]);
    });

    it("getWriteBufferSize() counts what was written at once, and nothing after the end", async () => {
      const { near, far } = await startedPair();
      far.transport.pauseReading();
      near.transport.write("four");
      near.transport.writeLines(["five", patternBytes(3000)]);
      assert.equal(near.transport.getWriteBufferSize(), 3008);
      near.transport.write(patternBytes(TOO_MUCH));
      assert.ok(near.transport.getWriteBufferSize() > 0);
      near.transport.abort();
      await near.protocol.lost();
      assert.equal(near.transport.getWriteBufferSize(), 0);
    });

    it("writeBufferEmptied() comes when the kernel has everything: it arrives even if abort() follows", async () => {
      const { near, far } = await startedPair();
      far.transport.pauseReading();
      const bytes = patternBytes(5 * MEBIBYTE);
      near.transport.write("first");
      await near.protocol.emptied();
      assert.equal(near.transport.getWriteBufferSize(), 0);
      near.transport.write(bytes);
      const { timesEmptied } = near.protocol;
      await turns(10);
      if (near.transport.getWriteBufferSize() > 0) assert.equal(near.protocol.timesEmptied, timesEmptied);
      near.transport.write("last");
      const emptied = near.protocol.emptied();
      far.transport.resumeReading();
      await emptied;
      near.transport.abort();
      await far.protocol.receivedBytes(9 + bytes.length);
      assert.equal(far.protocol.received.subarray(-4).toString(), "last");
    });

    it("writeBufferEmptied() comes for nothing that still waits for a peer that does not read", async () => {
      const { near, far } = await startedPair();
      far.transport.pauseReading();
      let written = 0;
      let whenEmptied = 0;
      for (let quiet = 0; quiet < 30; quiet++) {
        if (near.transport.getWriteBufferSize() === 0) {
          whenEmptied = written;
          near.transport.write(patternBytes(20_000));
          written += 20_000;
          quiet = 0;
        }
        await turns(1);
      }
      near.transport.abort();
      far.transport.resumeReading();
      await far.protocol.until(() => far.protocol.told.includes("eof") || far.protocol.isLost);
      assert.ok(far.protocol.size >= whenEmptied, `${far.protocol.size} of ${whenEmptied} bytes`);
    });

    it("writeBufferEmptied() does not come for what is dropped", async () => {
      for (const end of ["abort", "reset"] as const) {
        const { near, far } = await startedPair();
        far.transport.pauseReading();
        near.transport.write(patternBytes(TOO_MUCH));
        await turns(2);
        const { timesEmptied } = near.protocol;
        near.transport[end]();
        await near.protocol.lost();
        assert.equal(near.protocol.timesEmptied, timesEmptied);
      }
    });

    it("setWriteBufferLimits() fills in the other mark (46)", async () => {
      const { near } = await startedPair();
      const cases: [limits: { high?: number; low?: number } | undefined, marks: [number, number]][] = [
        [undefined, [defaultLow, defaultHigh]],
        [{ low: 1000 }, [1000, 4000]],
        [{ high: 1003 }, [250, 1003]],
        [{ high: 10, low: 10 }, [10, 10]],
        [{ high: 0 }, [0, 0]],
        [{}, [defaultLow, defaultHigh]],
      ];
      assert.deepEqual(near.transport.getWriteBufferLimits(), [defaultLow, defaultHigh]);
      for (const [limits, marks] of cases) {
        near.transport.setWriteBufferLimits(limits);
        assert.deepEqual(near.transport.getWriteBufferLimits(), marks);
      }
    });

    it("setWriteBufferLimits() refuses wrong marks and keeps the old ones (46)", async () => {
      const { near } = await startedPair();
      const set = (limits: unknown) => () => near.transport.setWriteBufferLimits(limits as { high: number });
      const message = "high (1) must be >= low (2) must be >= 0";
      assert.throws(set({ high: 1, low: 2 }), { name: "RangeError", message });
      for (const limits of [{ high: -1 }, { low: -1 }, { high: Number.NaN }, { low: 1, high: Number.NaN }]) {
        assert.throws(set(limits), RangeError);
      }
      for (const limits of [{ high: "1" }, { low: 1n }, { hihg: 1 }, 7, [1, 2]]) {
        assert.throws(set(limits), TypeError);
      }
      assert.deepEqual(near.transport.getWriteBufferLimits(), [defaultLow, defaultHigh]);
    });

    it("setWriteBufferLimits() pauses at once when more than the new high mark is buffered (46)", async () => {
      const { near, far } = await startedPair();
      near.transport.write(patternBytes(1000));
      assert.equal(near.protocol.isWritingPaused, false);
      near.transport.setWriteBufferLimits({ high: 1000 });
      assert.equal(near.protocol.isWritingPaused, false);
      near.transport.setWriteBufferLimits({ high: 999 });
      assert.equal(near.protocol.isWritingPaused, true);
      await near.protocol.until(() => !near.protocol.isWritingPaused);
      await far.protocol.receivedBytes(1000);
    });

    it("a high mark of 0 pauses with every byte, until all are gone (46)", async () => {
      const { near, far } = await startedPair();
      near.transport.setWriteBufferLimits({ high: 0 });
      for (let round = 1; round <= 3; round++) {
        near.transport.write("x");
        assert.equal(near.protocol.isWritingPaused, true);
        await near.protocol.until(() => !near.protocol.isWritingPaused);
        assert.equal(near.transport.getWriteBufferSize(), 0);
        await far.protocol.receivedBytes(round);
      }
    });

    // The end.

    it("close() sends what was written, drops what is written after it, and ends later (38, 41)", async () => {
      const { near, far } = await startedPair();
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
      assert.ok(far.protocol.received.equals(bytes));
      assert.equal(near.protocol.told.at(-1), "lost");
    });

    it("close() with nothing to send ends soon, but not within the call (41)", async () => {
      const { near, far } = await startedPair();
      near.transport.close();
      assert.deepEqual(near.protocol.told, ["made"]);
      await Promise.all([near.protocol.lost(), far.protocol.ended()]);
      assert.deepEqual(near.protocol.told, ["made", "lost"]);
      near.transport.close();
      near.transport.abort();
      await turns(3);
      assert.deepEqual(near.protocol.told, ["made", "lost"]);
    });

    it("delivers nothing after close() (55)", async () => {
      const { near, far } = await startedPair();
      near.protocol.onData = () => near.transport.close();
      far.transport.write("x");
      await near.protocol.receivedBytes(1);
      far.transport.write(patternBytes(MEBIBYTE));
      endWriting(far);
      await near.protocol.lost();
      assert.equal(near.protocol.size, 1);
      assert.deepEqual(near.protocol.told, ["made", "data", "lost"]);
    });

    it("abort() drops what is buffered and ends without an error (42)", async () => {
      const { near, far } = await startedPair();
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

    it("abort() drops what was written in the same tick", async () => {
      const { near, far } = await startedPair();
      near.transport.write("dropped");
      near.transport.abort();
      await near.protocol.lost();
      // Bytes that nobody has read there, such as tickets of TLS, make it an RST.
      await far.protocol.until(() => far.protocol.told.includes("eof") || far.protocol.isLost);
      assert.equal(far.protocol.size, 0);
    });

    it("abort() ends a close() that cannot send (41, 42)", async () => {
      const { near, far } = await startedPair();
      far.transport.pauseReading();
      near.transport.write(patternBytes(TOO_MUCH));
      near.transport.close();
      await turns(10);
      assert.equal(near.protocol.isLost, false);
      near.transport.abort();
      await near.protocol.lost();
      assert.equal(near.protocol.told.at(-1), "lost");
    });

    it(`reset() drops what is buffered, ends without an error, and ${resets ? "the peer gets ECONNRESET" : "the peer hears of it"}`, async () => {
      for (const closing of [false, true]) {
        const { near, far } = await startedPair();
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
        if (resets && !tls) assert.equal(far.protocol.told.at(-1), "lost ECONNRESET");
      }
    });

    if (resets) {
      it("reset() of a quiet connection is ECONNRESET for the peer", async () => {
        const { near, far } = await startedPair();
        near.transport.write("x");
        await far.protocol.receivedBytes(1);
        await turns(2);
        near.transport.reset();
        await Promise.all([near.protocol.lost(), far.protocol.lost()]);
        assert.deepEqual(near.protocol.told, ["made", "lost"]);
        assert.deepEqual(far.protocol.told, ["made", "data", "lost ECONNRESET"]);
      });
    }

    it("reset() before start() frees the connection, and after abort() does nothing", async () => {
      const { near, far } = await makePair(cleanup);
      const protocol = new RecordingProtocol();
      far.start(protocol);
      near.reset();
      await protocol.until(() => protocol.told.includes("eof") || protocol.isLost);
      far.abort();
      far.reset();
      await protocol.lost();
    });

    for (const where of ["onData", "onEof"] as const) {
      it(`ends with what the protocol throws in ${where}`, async () => {
        const { near, far } = await startedPair();
        near.protocol[where] = () => {
          throw new RangeError("from the protocol");
        };
        far.transport.write("x");
        endWriting(far);
        await near.protocol.lost();
        assert.equal(near.protocol.error?.message, "from the protocol");
      });
    }

    // Loss. Each must tell of it once, and last; what had come before it is delivered.

    async function assertLost({ protocol, transport }: End, codes: readonly string[]): Promise<void> {
      await protocol.lost();
      await turns(3);
      assert.equal(protocol.told.filter((name) => name.startsWith("lost")).length, 1);
      assert.ok(codes.includes(protocol.told.at(-1)!.slice(5)), protocol.told.join(", "));
      assert.equal(transport.isClosing(), true);
    }

    const RESET = ["ECONNRESET"];
    /** A write may meet the peer's end first. */
    const RESET_OR_PIPE = ["ECONNRESET", "EPIPE"];

    it("the peer's end while open is the end of the stream", async () => {
      const { near, far } = await startedPair();
      far.transport.write("last");
      far.transport.close();
      await near.protocol.ended();
      assert.deepEqual(near.protocol.told, ["made", "data", "eof"]);
      near.transport.close();
      await assertLost(near, [""]);
    });

    it(`the peer's end is the ${tls ? "end" : "loss"} for who goes on writing (${tls ? 97 : 53})`, async () => {
      const { near, far } = await startedPair();
      near.transport.write("first");
      await far.protocol.receivedBytes(5);
      far.transport.write("last");
      await near.protocol.receivedBytes(4);
      far.transport.abort();
      await near.protocol.ended();
      while (!near.protocol.isLost) {
        near.transport.write("x");
        await turns(1);
      }
      await assertLost(near, tls ? [""] : RESET_OR_PIPE);
      assert.equal(near.protocol.received.toString(), "last");
    });

    it("the peer's end while close() is sending is a loss with an error", async () => {
      const { near, far } = await startedPair();
      far.transport.pauseReading();
      near.transport.write(patternBytes(TOO_MUCH));
      near.transport.close();
      await turns(5);
      far.transport.abort();
      await assertLost(near, RESET_OR_PIPE);
    });

    it("abort() before start() frees the connection", async () => {
      const { near, far } = await makePair(cleanup);
      const protocol = new RecordingProtocol();
      far.start(protocol);
      near.abort();
      await protocol.until(() => protocol.told.includes("eof") || protocol.isLost);
      far.abort();
      await protocol.lost();
    });

    if (!resets) return;

    it("a reset while open comes behind the bytes before it (52)", async () => {
      const { near, far, reset } = await startedPair();
      far.transport.write("last");
      await turns(1);
      reset();
      await assertLost(near, mistakesReset ? ["", ...RESET] : RESET);
      const isMistaken = near.protocol.told.at(-1) === "lost";
      const end = isMistaken ? ["eof", "lost"] : ["lost ECONNRESET"];
      assert.deepEqual(near.protocol.told, ["made", "data", ...end]);
      assert.equal(near.protocol.received.toString(), "last");
    });

    it("a reset while paused comes behind all bytes before it", async () => {
      const { near, far, reset } = await startedPair();
      near.transport.pauseReading();
      // Not more than the other side takes before it is asked.
      const bytes = patternBytes(60_000);
      far.transport.write(bytes);
      await turns(5);
      reset();
      await turns(5);
      near.transport.resumeReading();
      await assertLost(near, RESET);
      assert.ok(near.protocol.received.equals(bytes));
      assert.ok(!near.protocol.told.includes("eof"));
    });

    itHalfCloses(
      "a reset after our writeEof() comes behind the bytes before it, and is no end of the stream",
      async () => {
        const { near, far, reset } = await startedPair();
        near.transport.writeEof();
        await far.protocol.ended();
        far.transport.write("last");
        await turns(1);
        reset();
        await assertLost(near, RESET);
        assert.deepEqual(near.protocol.told, ["made", "data", "lost ECONNRESET"]);
      },
    );

    it("a reset while writing is paused leaves it paused to the end", async () => {
      const { near, far, reset } = await startedPair();
      far.transport.pauseReading();
      near.transport.write(patternBytes(TOO_MUCH));
      far.transport.write("last");
      await near.protocol.receivedBytes(4);
      reset();
      await assertLost(near, RESET_OR_PIPE);
      assert.deepEqual(near.protocol.told.slice(0, 3), ["made", "pause", "data"]);
      assert.equal(near.protocol.told.length, 4, near.protocol.told.join(", "));
    });

    it("a reset while paused both ways loses no byte that had come", async () => {
      const { near, far, reset } = await startedPair();
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

    it("a reset while close() is sending is a loss with an error", async () => {
      const { near, far, reset } = await startedPair();
      far.transport.pauseReading();
      near.transport.write(patternBytes(TOO_MUCH));
      near.transport.close();
      await turns(5);
      reset();
      await assertLost(near, RESET_OR_PIPE);
    });

    it("a loss before start() is told once, behind the bytes before it", async () => {
      for (const wait of [0, 1, 2, 5]) {
        const { near, far, reset } = (await makePair(cleanup)) as PairWithReset;
        far.start(new RecordingProtocol());
        far.write("last");
        await turns(2);
        reset();
        await turns(wait);
        const protocol = new RecordingProtocol();
        near.start(protocol);
        assert.deepEqual(protocol.told, ["made"]);
        await assertLost({ protocol, transport: near }, RESET);
        assert.equal(protocol.received.toString(), "last");
      }
    });
  });
}

interface End {
  readonly transport: StartableTransport;
  readonly protocol: RecordingProtocol;
}

/** Writes in pieces, and waits whenever writing is paused. */
async function sendSteadily({ transport, protocol }: End, bytes: Buffer): Promise<void> {
  const size = 50_000;
  for (let start = 0; start < bytes.length; start += size) {
    transport.write(bytes.subarray(start, start + size));
    await protocol.until(() => !protocol.isWritingPaused);
  }
}
