// This library: each step awaited, as its guide shows it; and, as "quick", what it offers for loops where that costs.
import process from "node:process";
import {
  frames,
  IncompleteReadError,
  lengthPrefixed,
  openConnection,
  readFrame,
  relay,
  startServer,
  tryReadFrame,
} from "asyncio-streams";
import * as frame from "./frame.mjs";

const { BLOCK, MESSAGE, SEPARATOR, SMALL_WRITES } = frame;
const SIZE = BLOCK.length;
const FRAME = lengthPrefixed({ bytes: 4, maxFrame: 32 * 1024 * 1024 });
/** Above the longest message that is looked for. */
const LONG = 2 * 1024 * 1024;

async function sink(reader) {
  let bytes = 0;
  for (;;) {
    const { length } = await reader.read(SIZE);
    if (length === 0) return bytes;
    bytes += length;
  }
}

async function source(writer) {
  for (;;) {
    writer.write(BLOCK);
    await writer.drain();
  }
}

const awaited = {
  async echo(reader, writer) {
    for (;;) {
      const data = await reader.read(SIZE);
      if (data.length === 0) return;
      writer.write(data);
      await writer.drain();
    }
  },
  async "lines-echo"(reader, writer) {
    for (;;) {
      const line = await reader.readLine();
      if (line.length === 0) return;
      writer.write(line);
      await writer.drain();
    }
  },
  async lines(reader, writer) {
    let lines = 0;
    while ((await reader.readLine()).length > 0) lines++;
    writer.write(String(lines));
  },
  async frames(reader, writer) {
    let count = 0;
    for await (const payload of frames(reader, FRAME)) if (payload.length > 0) count++;
    writer.write(String(count));
  },
  async until(reader, writer) {
    writer.write(String(await countUntilEnd(() => reader.readUntil(SEPARATOR))));
  },
  async sink(reader, writer) {
    writer.write(String(await sink(reader)));
  },
  source: (_reader, writer) => source(writer),
  both: (reader, writer) => Promise.race([sink(reader), source(writer)]),
  async burst(reader, writer) {
    for (;;) {
      const request = await reader.read(SIZE);
      if (request.length === 0) return;
      for (const bytes of SMALL_WRITES) writer.write(bytes);
      await writer.drain();
    }
  },
  async relay(reader, writer) {
    await relay({ reader, writer }, await openConnection("127.0.0.1", frame.loadPort));
  },
  async connect() {
    for (;;) {
      const [reader, writer] = await openConnection("127.0.0.1", frame.loadPort);
      writer.write(MESSAGE);
      await reader.readExactly(MESSAGE.length);
      writer.close();
      await writer.waitClosed();
    }
  },
};

const quick = {
  async echo(reader, writer) {
    for (;;) {
      const data = reader.tryRead(SIZE) ?? (await reader.read(SIZE));
      if (data.length === 0) return;
      writer.write(data);
      await writer.drain();
    }
  },
  async "lines-echo"(reader, writer) {
    for await (const lines of reader.lines({ batches: true, keepEnds: true })) {
      writer.writeLines(lines);
      await writer.drain();
    }
  },
  async lines(reader, writer) {
    let lines = 0;
    for await (const batch of reader.lines({ batches: true, encoding: "latin1" })) lines += batch.length;
    writer.write(String(lines));
  },
  async frames(reader, writer) {
    const count = await countUntilEnd(() => tryReadFrame(reader, FRAME) ?? readFrame(reader, FRAME));
    writer.write(String(count));
  },
  async sink(reader, writer) {
    const view = Buffer.allocUnsafe(SIZE);
    let bytes = 0;
    for (let read = -1; read !== 0; bytes += read) read = await reader.readInto(view);
    writer.write(String(bytes));
  },
};

/** How often `read` gives something before the stream ends. */
async function countUntilEnd(read) {
  let count = 0;
  try {
    for (; ; count++) {
      const result = read();
      if (result instanceof Promise) await result;
    }
  } catch (error) {
    if (!(error instanceof IncompleteReadError) || error.partial.length > 0) throw error;
    return count;
  }
}

const roles = frame.style === "quick" ? { ...awaited, ...quick } : awaited;
const serve = roles[frame.role];

async function serveQuietly(reader, writer) {
  try {
    await serve(reader, writer);
  } catch (error) {
    if (!frame.isExpected(error)) throw error;
    writer.transport.abort();
  }
}

if (frame.role === "connect") {
  frame.tellPort(0);
  for (let i = 0; i < frame.CLIENTS; i++) {
    void serve().catch((error) => process.exit(frame.isExpected(error) ? 0 : 1));
  }
} else {
  const server = await startServer(serveQuietly, "127.0.0.1", 0, {
    backlog: frame.BACKLOG,
    ...(frame.role === "until" && { limit: LONG }),
    ...(frame.isTls && { ssl: frame.identity(), truncation: "ignore" }),
  });
  frame.tellPort(server.sockets[0].getsockname()[1]);
}
