import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import {
  frames,
  FrameTooLargeError,
  lengthPrefixed,
  readFrame,
  StreamReader,
  writeFrame,
  type FrameFormat,
  type StreamWriter,
  type WaitOptions,
} from "asyncio-streams";
import { patternBytes } from "../support/bytes.js";
import { connectedInMemory } from "../support/connections.js";
import { RecordingTransport } from "../support/recording-transport.js";
import { isPending } from "../support/turns.js";

const FORMATS = ([1, 2, 4, 8] as const).flatMap((bytes) =>
  (["big", "little"] as const).flatMap((endian) =>
    [false, true].map((includesPrefix) => ({ bytes, endian, includesPrefix })),
  ),
);
const BYTE = lengthPrefixed({ bytes: 1, maxFrame: 100 });

function readerWith(text: string, limit = 10): { reader: StreamReader; transport: RecordingTransport } {
  const reader = new StreamReader({ limit });
  const transport = new RecordingTransport();
  reader.setTransport(transport);
  reader.feedData(Buffer.from(text, "latin1"));
  return { reader, transport };
}

describe("readFrame(), frames() and writeFrame()", () => {
  for (const options of FORMATS) {
    it(`carry payloads of every size over a connection with ${inspect(options, { breakLength: Infinity })}`, async () => {
      const format = lengthPrefixed(options);
      const { near, far } = connectedInMemory(1_000);
      const sizes = [0, 1, 0, 200, 247, ...(options.bytes > 1 ? [5_000, 65_000] : []), 3];
      const payloads = sizes.map((size, index) => patternBytes(size, index + 1));
      for (const payload of payloads) writeFrame(near.writer, format, payload);
      near.writer.writeEof();
      assert.deepEqual(await readFrame(far.reader, format), payloads[0]);
      assert.deepEqual(await readFrame(far.reader, format), payloads[1]);
      const received: Buffer[] = [];
      for await (const payload of frames(far.reader, format)) received.push(payload);
      assert.deepEqual(received, payloads.slice(2));
    });
  }

  it("writeFrame() writes length and payload, text as UTF-8", async () => {
    const { near, far } = connectedInMemory();
    writeFrame(near.writer, lengthPrefixed({ bytes: 2, includesPrefix: true, endian: "little" }), "grün");
    assert.deepEqual(await far.reader.readExactly(7), Buffer.from("\x07\x00grün"));
  });

  it("writeFrame() writes nothing of a frame that is above maxFrame, or no bytes", async () => {
    const { near, far } = connectedInMemory();
    assert.throws(() => writeFrame(near.writer, BYTE, Buffer.alloc(101)), new FrameTooLargeError(101, 100));
    for (const payload of [5, null, undefined, ["a"]]) {
      assert.throws(() => writeFrame(near.writer, BYTE, payload as unknown as string), { name: "TypeError" });
    }
    writeFrame(near.writer, BYTE, "");
    near.writer.writeEof();
    assert.deepEqual(await far.reader.read(), Buffer.of(0));
  });

  it("readFrame() refuses a frame above maxFrame before any of it is buffered", async () => {
    const format = lengthPrefixed({ bytes: 4, maxFrame: 1_000 });
    const { near, far } = connectedInMemory(64);
    near.writer.write(Buffer.of(0, 0, 3, 0xe9));
    for (let round = 0; round < 2; round++) {
      await assert.rejects(readFrame(far.reader, format), {
        name: "FrameTooLargeError",
        size: 1_001,
        maxFrame: 1_000,
      });
      assert.equal(far.reader.bufferedBytes, 4, "the length stays");
    }
    await assert.rejects(frames(far.reader, format).next(), FrameTooLargeError);
  });

  it("readFrame() is not bounded by the limit, and lets a paused transport go on", async () => {
    const { reader, transport } = readerWith(`\x46${"x".repeat(25)}`);
    assert.deepEqual(transport.calls, ["pause"]);
    const reading = readFrame(reader, BYTE);
    for (let chunk = 0; chunk < 3; chunk++) {
      assert.ok(await isPending(reading));
      assert.equal(transport.isPaused, false);
      reader.feedData(Buffer.alloc(15, "x"));
    }
    assert.equal(String(await reading), "x".repeat(70));
    assert.equal(transport.isPaused, false);
  });

  it("readFrame() at the end says what is missing; frames() ends only between two", async () => {
    const cases: [stream: string, frames: string[], partial: string | undefined, expected: number][] = [
      ["", [], undefined, 1],
      ["\x02ab", ["ab"], undefined, 1],
      ["\x02ab\x03", ["ab"], "\x03", 4],
      ["\x02ab\x03cd", ["ab"], "\x03cd", 4],
    ];
    for (const [stream, expectedFrames, partial, expected] of cases) {
      const one = readerWith(stream).reader;
      one.feedEof();
      const received: string[] = [];
      const looping = (async () => {
        for await (const payload of frames(one, BYTE)) received.push(String(payload));
      })();
      const incomplete = { name: "IncompleteReadError", partial: Buffer.from(partial ?? ""), expected };
      if (partial === undefined) await looping;
      else await assert.rejects(looping, incomplete);
      assert.deepEqual(received, expectedFrames);

      const other = readerWith(stream).reader;
      other.feedEof();
      for (const frame of expectedFrames) assert.equal(String(await readFrame(other, BYTE)), frame);
      await assert.rejects(readFrame(other, BYTE), incomplete);
    }
    const within = readerWith("\0").reader;
    within.feedEof();
    const format = lengthPrefixed({ bytes: 2 });
    await assert.rejects(frames(within, format).next(), { partial: Buffer.of(0), expected: 2 });
  });

  it("aborted within a frame they have consumed nothing of it", async () => {
    for (const read of [
      (reader: StreamReader, options: WaitOptions) => readFrame(reader, BYTE, options),
      (reader: StreamReader, options: WaitOptions) => frames(reader, BYTE, options).next(),
    ]) {
      const { reader } = readerWith("\x05abc");
      const controller = new AbortController();
      const aborted = assert.rejects(read(reader, { signal: controller.signal }), { name: "AbortError" });
      controller.abort();
      const again = readFrame(reader, BYTE);
      await aborted;
      reader.feedData(Buffer.from("de"));
      assert.equal(String(await again), "abcde");
    }
  });

  it("frames() left by break loses no byte, and can go on after a step that was aborted", async () => {
    const { reader } = readerWith("\x01a\x01b\x01");
    for await (const _ of frames(reader, BYTE)) break;
    assert.equal(reader.bufferedBytes, 3);
    const controller = new AbortController();
    const loop = frames(reader, BYTE);
    assert.equal(String((await loop.next()).value), "b");
    const aborted = assert.rejects(frames(reader, BYTE, { signal: controller.signal }).next());
    controller.abort();
    await aborted;
    reader.feedData(Buffer.from("c"));
    assert.equal(String((await loop.next()).value), "c");
  });

  it("give what came before a loss, then its error", async () => {
    const { reader } = readerWith("\x01a\x02b");
    reader.feedError(new Error("lost"));
    assert.equal(String(await readFrame(reader, BYTE)), "a");
    await assert.rejects(readFrame(reader, BYTE), /^Error: lost$/);
    await assert.rejects(frames(reader, BYTE).next(), /^Error: lost$/);
    assert.equal(reader.bufferedBytes, 2);
  });

  it("refuse a second read, and name themselves", async () => {
    const reader = new StreamReader();
    const pending = readFrame(reader, BYTE);
    const message = "readFrame() called while another coroutine is already waiting for incoming data";
    await assert.rejects(readFrame(reader, BYTE), { name: "InvalidStateError", message });
    reader.feedData(Buffer.from("\x01a"));
    assert.equal(String(await pending), "a");
  });

  it("refuse what is no reader, no writer, or no format, such as the options of one", async () => {
    const { reader } = readerWith("\0\0\0\0");
    const { writer } = connectedInMemory().near;
    for (const stream of [undefined, null, {}, [], 5] as unknown[]) {
      await assert.rejects(
        readFrame(stream as StreamReader, BYTE),
        /^TypeError: readFrame\(\) takes a StreamReader/,
      );
      assert.throws(
        () => frames(stream as StreamReader, BYTE),
        /^TypeError: frames\(\) takes a StreamReader/,
      );
      assert.throws(
        () => writeFrame(stream as StreamWriter, BYTE, ""),
        /^TypeError: writeFrame\(\) takes a StreamWriter/,
      );
    }
    const options = { bytes: 4, endian: "big", includesPrefix: false, maxFrame: 5 };
    for (const format of [undefined, null, 4, {}, options] as unknown[]) {
      const message = /^TypeError: format must come from lengthPrefixed\(\), got /;
      await assert.rejects(readFrame(reader, format as FrameFormat), message);
      assert.throws(() => frames(reader, format as FrameFormat), message);
      assert.throws(() => writeFrame(writer, format as FrameFormat, ""), message);
    }
    assert.throws(() => frames(reader, BYTE, { timeout: 0 }), RangeError);
    assert.throws(() => frames(reader, BYTE, { limit: 5 } as WaitOptions), TypeError);
    assert.equal(reader.bufferedBytes, 4);
  });
});
