/** Obligations of the streams above a transport, whoever has written them. */
import assert from "node:assert/strict";
import { assertSameBytes, MEBIBYTE, patternBytes, TOO_MUCH, turns } from "./suite.js";

/** What is asked of a reader; what it does not have is not checked. */
export interface CheckedReader {
  read(size?: number, options?: { readonly signal: AbortSignal }): Promise<Uint8Array>;
  readExactly?(size: number, options?: { readonly signal: AbortSignal }): Promise<Uint8Array>;
}

/** What is asked of a writer; what it does not have is not checked. */
export interface CheckedWriter {
  write(data: Uint8Array): void;
  drain(): Promise<void>;
  close(): void;
  waitClosed(): Promise<void>;
  writeEof?(): void;
}

/** A reader and a writer, whoever has written them. */
export interface CheckedStreams {
  readonly reader: CheckedReader;
  readonly writer: CheckedWriter;
}

/** Two ends that are connected with each other. */
export interface StreamsPair {
  /** The one that is tested. */
  readonly near: CheckedStreams;
  readonly far: CheckedStreams;
}

/** Adds a check to a suite; its name is the obligation. */
export type StreamCheck = (name: string, run: (pair: StreamsPair) => Promise<void>) => void;

/** How many rounds of aborted reads there are, each with the bytes at another moment. */
const ABORTS = 12;

export function streamChecks(check: StreamCheck, halfClose: boolean): void {
  check("reads give the bytes in order, whatever kinds of reads follow each other", async ({ near, far }) => {
    const bytes = patternBytes(400_000);
    const sizes = [2, 5, undefined, 1, 70_000, undefined, 3, 100_000];
    const sending = sendAll(far, bytes, 7_001);
    let size = 0;
    for (let turn = 0; size < bytes.length; turn++) {
      const wanted = sizes[turn % sizes.length];
      const chunk: Uint8Array =
        wanted === undefined || wanted > bytes.length - size
          ? await near.reader.read(MEBIBYTE)
          : await readBounded(near.reader, wanted);
      assert.ok(chunk.length > 0, `the end came after ${size} of ${bytes.length} bytes`);
      assertSameBytes(Buffer.from(chunk), bytes.subarray(size, size + chunk.length));
      size += chunk.length;
      if (turn % 3 === 0) await turns(1);
    }
    await sending;
  });

  check(
    "readExactly() gives as many bytes as were asked for, from any number of chunks",
    async ({ near, far }) => {
      const { reader } = near;
      if (reader.readExactly === undefined) return;
      const bytes = patternBytes(5_000);
      const sending = sendAll(far, bytes, 130);
      const chunks: Uint8Array[] = [];
      for (let start = 0; start < bytes.length; start += 500) {
        const chunk: Uint8Array = await reader.readExactly(500);
        assert.equal(chunk.length, 500, `${chunk.length} bytes came instead of 500`);
        chunks.push(chunk);
      }
      await sending;
      assertSameBytes(Buffer.concat(chunks), bytes);
    },
  );

  check(
    "readExactly() fails when the stream ends before, and does not return short",
    async ({ near, far }) => {
      const { reader } = near;
      if (reader.readExactly === undefined) return;
      far.writer.write(Buffer.from("ab"));
      far.writer.close();
      let got: Uint8Array | undefined;
      try {
        got = await reader.readExactly(10);
      } catch (error) {
        assert.ok(error instanceof Error);
        return;
      }
      assert.fail(`readExactly(10) gave ${got?.length ?? String(got)} bytes at the end of the stream`);
    },
  );

  check("an aborted read rejects and loses no byte, whenever the bytes come", async ({ near, far }) => {
    for (let round = 0; round < ABORTS; round++) {
      const controller = new AbortController();
      const message = `message ${round}`;
      const read = near.reader.read(MEBIBYTE, { signal: controller.signal });
      const outcome = read.then(
        (bytes) => Buffer.from(bytes),
        () => undefined,
      );
      await turns(round % 4);
      if (round % 3 === 0) far.writer.write(Buffer.from(message));
      if (round % 2 === 0) await turns(round % 5);
      controller.abort(new Error("aborted by the check"));
      if (round % 3 !== 0) far.writer.write(Buffer.from(message));
      let received = ((await outcome) ?? "").toString();
      far.writer.write(Buffer.from(";"));
      while (!received.endsWith(";")) {
        const chunk = await near.reader.read(MEBIBYTE);
        assert.ok(chunk.length > 0, `the end came instead of ${JSON.stringify(`${message};`)}`);
        received += Buffer.from(chunk).toString();
      }
      assert.equal(received, `${message};`, `after an abort, in round ${round}`);
    }
  });

  check(
    "what came before the peer closed can be read, then comes the end, again and again",
    async ({ near, far }) => {
      far.writer.write(Buffer.from("last words"));
      far.writer.close();
      await turns(5);
      assert.equal(Buffer.from(await near.reader.read(4)).toString(), "last");
      assert.equal((await readToEnd(near.reader)).toString(), " words");
      assert.equal((await near.reader.read(1)).length, 0);
    },
  );

  check("close() sends all that was written before it", async ({ near, far }) => {
    const bytes = patternBytes(2 * MEBIBYTE);
    near.writer.write(bytes);
    near.writer.close();
    assertSameBytes(await readToEnd(far.reader), bytes);
  });

  check("waitClosed() settles when both sides have closed", async ({ near, far }) => {
    near.writer.close();
    await readToEnd(far.reader);
    far.writer.close();
    await Promise.all([settled(near.writer.waitClosed()), settled(far.writer.waitClosed())]);
    await settled(near.writer.waitClosed());
  });

  check("a read settles when the own side closes", async ({ near }) => {
    const pending = settled(near.reader.read(1));
    near.writer.close();
    await pending;
    await settled(near.reader.read(1));
  });

  check("drain() holds back a writer whose peer does not read, and loses nothing", async ({ near, far }) => {
    const piece = patternBytes(MEBIBYTE / 2);
    let sent = 0;
    let most = TOO_MUCH;
    const sending = (async () => {
      for (; sent < most; sent += piece.length) {
        near.writer.write(piece);
        await near.writer.drain();
      }
    })();
    sending.catch(() => {});
    for (let quiet = 0, before = -1; quiet < 50; quiet++) {
      if (sent !== before) quiet = 0;
      before = sent;
      await turns(1);
    }
    assert.ok(sent < TOO_MUCH, `${sent} bytes were taken although nobody has read one`);
    const held = sent + piece.length;
    most = held;
    let received = 0;
    while (received < held) {
      const chunk = await far.reader.read(piece.length - (received % piece.length));
      const start = received % piece.length;
      assertSameBytes(Buffer.from(chunk), piece.subarray(start, start + chunk.length));
      received += chunk.length;
      assert.ok(chunk.length > 0, `the end came after ${received} of ${held} bytes`);
    }
    await sending;
  });

  if (!halfClose) return;
  check("writeEof() ends one direction behind what was written; the other goes on", async ({ near, far }) => {
    if (near.writer.writeEof === undefined) return;
    near.writer.write(Buffer.from("question"));
    near.writer.writeEof();
    assert.equal((await readToEnd(far.reader)).toString(), "question");
    far.writer.write(Buffer.from("answer"));
    assert.equal(Buffer.from(await near.reader.read(6)).toString(), "answer");
  });
}

function readBounded(reader: CheckedReader, size: number): Promise<Uint8Array> {
  return reader.readExactly === undefined ? reader.read(size) : reader.readExactly(size);
}

/** When a check has failed nobody waits for it any more. */
function sendAll(streams: CheckedStreams, bytes: Buffer, pieceSize: number): Promise<void> {
  const sending = sendInPieces(streams, bytes, pieceSize);
  sending.catch(() => {});
  return sending;
}

async function sendInPieces({ writer }: CheckedStreams, bytes: Buffer, pieceSize: number): Promise<void> {
  for (let start = 0; start < bytes.length; start += pieceSize) {
    writer.write(bytes.subarray(start, start + pieceSize));
    await writer.drain();
    if (start % 3 === 0) await turns(1);
  }
}

async function readToEnd(reader: CheckedReader): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const chunk = await reader.read(MEBIBYTE);
    if (chunk.length === 0) return Buffer.concat(chunks);
    chunks.push(chunk);
  }
}

async function settled(promise: Promise<unknown>): Promise<void> {
  await promise.then(
    () => {},
    () => {},
  );
}
