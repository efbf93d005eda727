/** Reading and writing frames with their length in front. */
import { FrameFormat, framePrefix, frameSize, takeFrame } from "../bytes/frame-format.js";
import { toBytes } from "../bytes/to-bytes.js";
import { kindOf } from "../describe.js";
import type { BytesLike } from "../transport/transport.js";
import { Bounds, type WaitOptions } from "../waiting/bounds.js";
import { promised } from "../waiting/promised.js";
import type { Intake } from "./intake.js";
import { END, iterate } from "./iterate.js";
import type { ReceiveBuffer } from "./receive-buffer.js";
import { StreamReader } from "./stream-reader.js";
import { StreamWriter } from "./stream-writer.js";

/**
 * The payload of the next frame, as `readExactly` of a length and then of as many bytes, but in one: aborted, timed out
 * or failed it has consumed nothing. Not bounded by the reader's limit.
 *
 * ```ts
 * const format = lengthPrefixed({ bytes: 4, maxFrame: 65_536 });
 * writeFrame(writer, format, "ping");
 * const pong = await readFrame(reader, format);
 * ```
 *
 * @throws FrameTooLargeError as soon as the length is there, if it is above `maxFrame`; FrameError if it is less than its
 *   own bytes, which it includes
 * @throws IncompleteReadError if the stream ends before; `partial` is empty if it ends between two frames
 * @throws TypeError or RangeError for wrong arguments
 */
export function readFrame(
  reader: StreamReader,
  format: FrameFormat,
  options?: WaitOptions,
): Promise<Buffer<ArrayBuffer>> {
  return promised(() => {
    const buffer = bufferOf("readFrame", reader);
    checkFormat(format);
    const bounds = Bounds.of("readFrame", options, buffer.clock);
    buffer.begin("readFrame");
    return buffer.take(
      () => take(buffer, format),
      bounds,
      () => new FrameIntake(buffer, format),
    );
  });
}

/** As `readFrame`, or `undefined` if that would have to wait. */
export function tryReadFrame(reader: StreamReader, format: FrameFormat): Buffer<ArrayBuffer> | undefined {
  const buffer = bufferOf("tryReadFrame", reader);
  checkFormat(format);
  buffer.begin("tryReadFrame");
  const payload = take(buffer, format);
  if (payload === undefined) buffer.needMore();
  return payload;
}

/**
 * Iterates over the payloads of frames, as `readFrame()` gives them, until the stream ends between two. Leaving the loop loses
 * nothing. The bounds count for each frame on its own.
 *
 * @throws TypeError or RangeError for wrong arguments; a step rejects as `readFrame()` does
 */
export function frames(
  reader: StreamReader,
  format: FrameFormat,
  options?: WaitOptions,
): AsyncIterableIterator<Buffer<ArrayBuffer>, undefined> {
  const buffer = bufferOf("frames", reader);
  checkFormat(format);
  const bounds = Bounds.from("frames", options, buffer.clock);
  return iterate(
    buffer,
    {
      begin: () => buffer.begin("frames"),
      take: () => (buffer.isEnded && buffer.queue.length === 0 ? END : take(buffer, format)),
      intake: new FrameIntake(buffer, format),
    },
    bounds,
  );
}

/**
 * Writes one frame, as `writer.write()`: it never waits, and the same holds for large arrays.
 *
 * @throws FrameTooLargeError if `payload` is above `maxFrame`; nothing was written
 * @throws TypeError if `payload` is neither bytes nor a string
 */
export function writeFrame(writer: StreamWriter, format: FrameFormat, payload: BytesLike): void {
  if (!(writer instanceof StreamWriter)) {
    throw new TypeError(`writeFrame() takes a StreamWriter, not ${kindOf(writer)}`);
  }
  checkFormat(format);
  const bytes = toBytes(payload);
  writer.writeLines([framePrefix(bytes.length, format), bytes]);
}

/** Takes nothing itself, but knows how much a frame needs. */
class FrameIntake implements Intake<never> {
  readonly #buffer: ReceiveBuffer;
  readonly #format: FrameFormat;
  readonly result: undefined;

  constructor(buffer: ReceiveBuffer, format: FrameFormat) {
    this.#buffer = buffer;
    this.#format = format;
  }

  get needed(): number {
    return frameSize(this.#buffer.queue, this.#format);
  }

  fill(): number {
    return 0;
  }
}

function take(buffer: ReceiveBuffer, format: FrameFormat): Buffer<ArrayBuffer> | undefined {
  const payload = takeFrame(buffer.queue, format, buffer.isEnded);
  if (payload !== undefined) buffer.resumeIfFree();
  return payload;
}

function checkFormat(format: unknown): void {
  if (format instanceof FrameFormat) return;
  throw new TypeError(`format must come from lengthPrefixed(), got ${kindOf(format)}`);
}

function bufferOf(method: string, reader: unknown): ReceiveBuffer {
  if (reader instanceof StreamReader) return StreamReader.bufferOf(reader);
  throw new TypeError(`${method}() takes a StreamReader, not ${kindOf(reader)}`);
}
