/** Frames with their length in front: the format, and what a read takes by it. */
import { checkBoolean, checkInteger, checkOneOf, checkOptions } from "../checks.js";
import { FrameError, FrameTooLargeError, IncompleteReadError } from "../errors.js";
import type { ByteQueue } from "./byte-queue.js";

/** What `lengthPrefixed()` takes. */
export interface LengthPrefixedOptions {
  /** How many bytes the length has. */
  readonly bytes: 1 | 2 | 4 | 8;
  /** Their order. Default `"big"`. */
  readonly endian?: "big" | "little" | undefined;
  /** Whether the length counts its own bytes too. Default false. */
  readonly includesPrefix?: boolean | undefined;
  /** The most bytes of a payload. Default 8 388 608; never more than the length can say. */
  readonly maxFrame?: number | undefined;
}

const DEFAULT_MAX_FRAME = 8_388_608;
const NAMES = ["bytes", "endian", "includesPrefix", "maxFrame"] as const;

/** A format of frames, for `readFrame()` and `writeFrame()`. Made by `lengthPrefixed()`; it can serve any number of connections. */
export class FrameFormat {
  readonly bytes: 1 | 2 | 4 | 8;
  readonly endian: "big" | "little";
  readonly includesPrefix: boolean;
  /** The most bytes of a payload. */
  readonly maxFrame: number;

  constructor(options: LengthPrefixedOptions) {
    const given = checkOptions<LengthPrefixedOptions>("lengthPrefixed()", options, NAMES);
    const { endian = "big", includesPrefix = false, maxFrame = DEFAULT_MAX_FRAME } = given;
    this.bytes = checkOneOf("bytes", given.bytes, [1, 2, 4, 8]);
    this.endian = checkOneOf("endian", endian, ["big", "little"]);
    this.includesPrefix = checkBoolean("includesPrefix", includesPrefix);
    const most = Math.min(2 ** (8 * this.bytes) - 1, Number.MAX_SAFE_INTEGER);
    const mostPayload = this.includesPrefix ? most - this.bytes : most;
    this.maxFrame = Math.min(mostPayload, checkInteger("maxFrame", maxFrame, 0));
    Object.freeze(this);
  }
}

/**
 * The format of frames that have the length of their payload in front.
 *
 * @throws TypeError or RangeError for wrong options
 */
export function lengthPrefixed(options: LengthPrefixedOptions): FrameFormat {
  return new FrameFormat(options);
}

/**
 * The payload of the next frame. Nothing leaves the queue before all of it is there.
 *
 * @throws FrameTooLargeError, FrameError; they take nothing
 * @throws IncompleteReadError at the end, with what is left
 */
export function takeFrame(
  queue: ByteQueue,
  format: FrameFormat,
  ended: boolean,
): Buffer<ArrayBuffer> | undefined {
  const { bytes } = format;
  if (queue.length < bytes) return incomplete(queue, bytes, ended);
  const size = payloadSize(lengthIn(queue, format), format);
  if (queue.length < bytes + size) return incomplete(queue, bytes + size, ended);
  queue.skip(bytes);
  return queue.take(size);
}

/** How many bytes the next frame, which `takeFrame` has found to be good, has in all, as far as that is known. */
export function frameSize(queue: ByteQueue, format: FrameFormat): number {
  const { bytes, includesPrefix } = format;
  if (queue.length < bytes) return bytes;
  const length = lengthIn(queue, format);
  return includesPrefix ? length : length + bytes;
}

/** The length in front of a payload of `size` bytes. @throws FrameTooLargeError */
export function framePrefix(size: number, { bytes, endian, includesPrefix, maxFrame }: FrameFormat): Buffer {
  if (size > maxFrame) throw new FrameTooLargeError(size, maxFrame);
  const prefix = Buffer.alloc(bytes);
  const length = includesPrefix ? size + bytes : size;
  if (bytes === 8) {
    if (endian === "big") prefix.writeBigUInt64BE(BigInt(length));
    else prefix.writeBigUInt64LE(BigInt(length));
  } else if (endian === "big") prefix.writeUIntBE(length, 0, bytes);
  else prefix.writeUIntLE(length, 0, bytes);
  return prefix;
}

function payloadSize(length: number, { bytes, includesPrefix, maxFrame }: FrameFormat): number {
  const size = includesPrefix ? length - bytes : length;
  if (size < 0)
    throw new FrameError(`A frame says that it has ${length} bytes, its ${bytes} bytes of length included`);
  if (size > maxFrame) throw new FrameTooLargeError(size, maxFrame);
  return size;
}

/** What the first bytes of the queue say. */
function lengthIn(queue: ByteQueue, format: FrameFormat): number {
  const chunk = queue.chunkAt(0);
  const start = queue.headStart;
  const isWhole = chunk.length - start >= format.bytes;
  return isWhole ? readLength(chunk, start, format) : readLength(queue.peek(format.bytes), 0, format);
}

/** Above 2^53 the number is rounded, which no limit lets through. */
function readLength(chunk: Buffer, start: number, { bytes, endian }: FrameFormat): number {
  if (bytes === 8)
    return Number(endian === "big" ? chunk.readBigUInt64BE(start) : chunk.readBigUInt64LE(start));
  return endian === "big" ? chunk.readUIntBE(start, bytes) : chunk.readUIntLE(start, bytes);
}

function incomplete(queue: ByteQueue, expected: number, ended: boolean): undefined {
  if (ended) throw new IncompleteReadError(queue.take(queue.length), expected);
}
