/** What two ends have to say to each other in a soak, and how each checks every byte of it. */
import {
  frames,
  lengthPrefixed,
  readFrame,
  writeFrame,
  type Connection,
  type StartTlsOptions,
  type StreamReader,
  type TlsOptions,
} from "asyncio-streams";
import { patternBytes } from "../support/bytes.js";

export type Streams = Pick<Connection, "reader" | "writer">;

/** The bytes were not those that were sent. */
class WrongBytesError extends Error {
  static {
    this.prototype.name = "WrongBytesError";
  }
}

/** The end came where none was expected. */
class CutShortError extends Error {
  static {
    this.prototype.name = "CutShortError";
  }
}

/** What a server's callback throws on purpose. */
export class PlannedFailure extends Error {
  static {
    this.prototype.name = "PlannedFailure";
  }
}

/** What both ends know before the first byte. */
export interface Topic {
  /** In bytes. */
  readonly size: number;
  /** Where in the pattern the bytes of this conversation begin: others have other bytes. */
  readonly offset: number;
  readonly tls: {
    readonly client: TlsOptions;
    readonly server: TlsOptions;
    readonly options: StartTlsOptions;
  };
}

export interface Conversation {
  /** Bytes that are checked, both ends together, if nothing comes between. */
  bytes(topic: Topic): number;
  client(streams: Streams, topic: Topic): Promise<void>;
  server(streams: Streams, topic: Topic): Promise<void>;
  /** Whether it needs a direction that can be ended alone, or be upgraded. */
  readonly plainOnly?: boolean;
}

/** The largest conversation, in bytes. */
export const LARGEST = 262_144;
export const OFFSETS = 4_093;
const PIECE = 16_000;
const PATTERN = patternBytes(LARGEST + OFFSETS);
const FRAMES = lengthPrefixed({ bytes: 4 });

function bytesOf({ size, offset }: Topic): Uint8Array {
  return PATTERN.subarray(offset, offset + size);
}

async function send({ writer }: Streams, bytes: Uint8Array): Promise<void> {
  for (let start = 0; start < bytes.length; start += PIECE) {
    writer.write(bytes.subarray(start, start + PIECE));
    await writer.drain();
  }
}

async function expect(reader: StreamReader, bytes: Uint8Array): Promise<void> {
  for (let received = 0; received < bytes.length;) {
    const piece = await reader.read(Math.min(65_536, bytes.length - received));
    if (piece.length === 0) throw new CutShortError(`${received} of ${bytes.length} bytes`);
    check(piece, bytes.subarray(received, received + piece.length));
    received += piece.length;
  }
}

async function expectEnd(reader: StreamReader): Promise<void> {
  const piece = await reader.read(100);
  if (piece.length > 0) throw new WrongBytesError(`${piece.length} bytes instead of the end`);
}

function check(received: Buffer, sent: Uint8Array): void {
  if (!received.equals(sent)) throw new WrongBytesError(`${received.length} bytes that are not those sent`);
}

const echo: Conversation = {
  bytes: ({ size }) => size,
  async client(streams, topic) {
    const bytes = bytesOf(topic);
    // Both at once: an end that only sends would hold the other one up.
    await Promise.all([send(streams, bytes), expect(streams.reader, bytes)]);
  },
  async server({ reader, writer }) {
    for (let piece = await reader.read(8_192); piece.length > 0; piece = await reader.read(8_192)) {
      writer.write(piece);
      await writer.drain();
    }
  },
};

/** `count` pieces of what is to be said, none of which has a newline. */
function texts(topic: Topic, count: number): Buffer[] {
  const text = Buffer.from(bytesOf(topic)).toString("hex").slice(0, 4_000);
  const length = Math.floor(text.length / count);
  return Array.from({ length: count }, (_, index) =>
    Buffer.from(text.slice(index * length, (index + 1) * length)),
  );
}

const lines: Conversation = {
  bytes: (topic) => texts(topic, 8).reduce((sum, text) => sum + text.length + 1, 0),
  async client({ reader, writer }, topic) {
    for (const text of texts(topic, 8)) {
      writer.writeLines([text, "\n"]);
      const line = await reader.readLine();
      if (line.at(-1) !== 10) throw new CutShortError(`a line of ${line.length} bytes without its end`);
      check(line.subarray(0, -1), text);
    }
  },
  async server({ reader, writer }) {
    for await (const line of reader) writer.write(line);
  },
};

const framed: Conversation = {
  bytes: (topic) => 4 * bytesOf(topic).subarray(0, 20_000).length,
  async client({ reader, writer }, topic) {
    const payload = bytesOf(topic).subarray(0, 20_000);
    for (let count = 0; count < 4; count++) {
      writeFrame(writer, FRAMES, payload);
      check(await readFrame(reader, FRAMES), payload);
    }
  },
  async server({ reader, writer }) {
    for await (const frame of frames(reader, FRAMES)) {
      writeFrame(writer, FRAMES, frame);
      await writer.drain();
    }
  },
};

const answer: Conversation = {
  bytes: ({ size }) => size,
  async client({ reader }, topic) {
    await expect(reader, bytesOf(topic));
    await expectEnd(reader);
  },
  server: (streams, topic) => send(streams, bytesOf(topic)),
};

const halfClose: Conversation = {
  plainOnly: true,
  bytes: ({ size }) => 2 * size,
  async client(streams, topic) {
    await send(streams, bytesOf(topic));
    streams.writer.writeEof();
    await expect(streams.reader, bytesOf(topic));
    await expectEnd(streams.reader);
  },
  async server(streams, topic) {
    await expect(streams.reader, bytesOf(topic));
    await expectEnd(streams.reader);
    await send(streams, bytesOf(topic));
  },
};

const upgrade: Conversation = {
  plainOnly: true,
  bytes: (topic) => echo.bytes(topic),
  async client(streams, topic) {
    await streams.writer.startTls(topic.tls.client, topic.tls.options);
    await echo.client(streams, topic);
  },
  async server(streams, topic) {
    const { serverHostname: _, ...options } = topic.tls.options;
    await streams.writer.startTls(topic.tls.server, options);
    await echo.server(streams, topic);
  },
};

/** The callback fails in the middle: what it wrote arrives, and the end. */
const failure: Conversation = {
  bytes: ({ size }) => size >> 1,
  async client({ reader }, topic) {
    await expect(reader, bytesOf({ ...topic, size: topic.size >> 1 }));
    await expectEnd(reader);
  },
  async server(streams, topic) {
    await send(streams, bytesOf({ ...topic, size: topic.size >> 1 }));
    throw new PlannedFailure("in the middle of an answer");
  },
};

export const CONVERSATIONS: Readonly<Record<string, Conversation>> = {
  echo,
  lines,
  frames: framed,
  answer,
  halfClose,
  upgrade,
  failure,
};
