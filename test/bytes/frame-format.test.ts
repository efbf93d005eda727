import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { FrameError, FrameTooLargeError, IncompleteReadError, lengthPrefixed } from "asyncio-streams";
import type { LengthPrefixedOptions } from "asyncio-streams";
import { ByteQueue } from "#src/bytes/byte-queue.js";
import { framePrefix, takeFrame } from "#src/bytes/frame-format.js";
import { allSplits } from "../support/line-oracle.js";

const SIZES = [1, 2, 4, 8] as const;
const FORMATS = SIZES.flatMap((bytes) =>
  (["big", "little"] as const).flatMap((endian) =>
    [false, true].map((includesPrefix) => ({ bytes, endian, includesPrefix })),
  ),
);

function queueOf(...pieces: (string | Uint8Array)[]): ByteQueue {
  const queue = new ByteQueue();
  for (const piece of pieces) queue.push(Buffer.from(piece as Uint8Array));
  return queue;
}

/** A length as a frame has it, made without the code under test. */
function lengthOf(
  value: bigint,
  { bytes, endian }: { bytes: number; endian: "big" | "little" },
): Buffer<ArrayBuffer> {
  const big = Buffer.from(value.toString(16).padStart(2 * bytes, "0"), "hex");
  return endian === "big" ? big : Buffer.from(big.toReversed());
}

describe("lengthPrefixed()", () => {
  it("has big-endian lengths of the payload alone and frames of up to 8 MiB, by default", () => {
    const format = lengthPrefixed({ bytes: 4 });
    assert.deepEqual(Object.fromEntries(Object.entries(format)), {
      bytes: 4,
      endian: "big",
      includesPrefix: false,
      maxFrame: 8_388_608,
    });
    assert.ok(Object.isFrozen(format));
  });

  const most: [options: LengthPrefixedOptions, maxFrame: number][] = [
    [{ bytes: 1 }, 255],
    [{ bytes: 2 }, 65_535],
    [{ bytes: 1, includesPrefix: true }, 254],
    [{ bytes: 2, includesPrefix: true, maxFrame: 65_533 }, 65_533],
    [{ bytes: 2, includesPrefix: true, maxFrame: 65_534 }, 65_533],
    [{ bytes: 4, maxFrame: 2 ** 40 }, 2 ** 32 - 1],
    [{ bytes: 8, maxFrame: Number.MAX_SAFE_INTEGER }, Number.MAX_SAFE_INTEGER],
    [{ bytes: 8, maxFrame: Number.MAX_SAFE_INTEGER, includesPrefix: true }, Number.MAX_SAFE_INTEGER - 8],
    [{ bytes: 8, maxFrame: 0 }, 0],
  ];
  for (const [options, maxFrame] of most) {
    it(`has frames of up to ${maxFrame} bytes with ${inspect(options)}`, () => {
      assert.equal(lengthPrefixed(options).maxFrame, maxFrame);
    });
  }

  const wrong: [options: unknown, name: string, message: RegExp][] = [
    ...[3, 0, 16].map((bytes): [unknown, string, RegExp] => [
      { bytes },
      "RangeError",
      /^bytes must be one of/,
    ]),
    ...["4", null, undefined, true].map((bytes): [unknown, string, RegExp] => [
      { bytes },
      "TypeError",
      /^bytes must be one of 1, 2, 4, 8/,
    ]),
    [undefined, "TypeError", /^bytes must be/],
    [4, "TypeError", /^lengthPrefixed\(\) options must be an object/],
    [{ bytes: 4, endian: "BIG" }, "RangeError", /^endian must be one of "big", "little"/],
    [{ bytes: 4, endian: true }, "TypeError", /^endian/],
    [{ bytes: 4, includesPrefix: 1 }, "TypeError", /^includesPrefix must be a boolean/],
    ...[-1, 1.5, NaN, Infinity].map((maxFrame): [unknown, string, RegExp] => [
      { bytes: 4, maxFrame },
      "RangeError",
      /^maxFrame must be a whole number/,
    ]),
    [{ bytes: 4, maxFrame: "9" }, "TypeError", /^maxFrame/],
    [{ bytes: 4, maxframe: 9 }, "TypeError", /unexpected option "maxframe"/],
  ];
  for (const [options, name, message] of wrong) {
    it(`refuses ${inspect(options)} with a ${name}`, () => {
      assert.throws(() => lengthPrefixed(options as LengthPrefixedOptions), { name, message });
    });
  }
});

for (const options of FORMATS) {
  const { bytes, includesPrefix } = options;
  const format = lengthPrefixed({ ...options, maxFrame: 100 });
  const prefixed = (size: number) => lengthOf(BigInt(size + (includesPrefix ? bytes : 0)), options);

  describe(`frames with ${inspect(options, { breakLength: Infinity })}`, () => {
    it("have their length in front, also when there is nothing behind it", () => {
      for (const size of [0, 1, 100]) assert.deepEqual(framePrefix(size, format), prefixed(size));
    });

    it("are taken whole, however they come, and nothing before", () => {
      const stream = Buffer.concat([prefixed(3), Buffer.from("abc"), prefixed(0), prefixed(1)]);
      const split = stream.toString("latin1", 0, 9);
      for (const pieces of allSplits(split)) {
        const queue = new ByteQueue();
        const frames: string[] = [];
        for (const piece of [...pieces, stream.toString("latin1", split.length)]) {
          queue.push(Buffer.from(piece, "latin1"));
          const queued = queue.peek(queue.length);
          let frame = takeFrame(queue, format, false);
          if (frame === undefined) assert.deepEqual(queue.peek(queue.length), queued);
          for (; frame !== undefined; frame = takeFrame(queue, format, false)) frames.push(frame.toString());
        }
        assert.deepEqual(frames, ["abc", ""]);
        assert.deepEqual(queue.take(queue.length), prefixed(1));
      }
    });

    it("above maxFrame are refused by their length alone, which stays", () => {
      for (const ended of [false, true]) {
        const queue = queueOf(prefixed(101));
        assert.throws(() => takeFrame(queue, format, ended), new FrameTooLargeError(101, 100));
        assert.equal(queue.length, bytes);
      }
      assert.throws(() => framePrefix(101, format), new FrameTooLargeError(101, 100));
    });

    it("are incomplete at an end within the length or the payload, or between two", () => {
      const cases: [queued: Buffer<ArrayBuffer>, expected: number][] = [
        [Buffer.alloc(0), bytes],
        [prefixed(5).subarray(0, bytes - 1), bytes],
        [prefixed(5), bytes + 5],
        [Buffer.concat([prefixed(5), Buffer.from("abcd")]), bytes + 5],
      ];
      for (const [queued, expected] of cases) {
        const queue = queueOf(queued);
        assert.equal(takeFrame(queue, format, false), undefined);
        assert.throws(() => takeFrame(queue, format, true), new IncompleteReadError(queued, expected));
        assert.equal(queue.length, 0);
      }
    });

    if (includesPrefix) {
      it("whose length is less than its own bytes are none", () => {
        for (let length = 0; length < bytes; length++) {
          const queue = queueOf(lengthOf(BigInt(length), options));
          const message = `A frame says that it has ${length} bytes, its ${bytes} bytes of length included`;
          assert.throws(() => takeFrame(queue, format, false), {
            name: "FrameError",
            code: "ERR_FRAME",
            message,
          });
          assert.throws(
            () => takeFrame(queue, format, false),
            (error) => error instanceof FrameError && !(error instanceof FrameTooLargeError),
          );
          assert.equal(queue.length, bytes);
        }
      });
    }

    if (bytes === 8) {
      it("with lengths beyond 2^53 are too large for any limit", () => {
        const generous = lengthPrefixed({ ...options, maxFrame: Number.MAX_SAFE_INTEGER });
        for (const length of [2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n]) {
          const queue = queueOf(lengthOf(length, options));
          assert.throws(() => takeFrame(queue, generous, false), FrameTooLargeError, String(length));
        }
        const largest = generous.maxFrame;
        assert.deepEqual(framePrefix(largest, generous), prefixed(largest));
        assert.equal(takeFrame(queueOf(prefixed(largest)), generous, false), undefined, "it may come yet");
      });
    }
  });
}
