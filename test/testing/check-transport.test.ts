import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StreamReader } from "asyncio-streams";
import {
  checkTransport,
  TransportCheckError,
  type CheckedReader,
  type CheckedStreams,
  type MakePair,
  type StreamsPair,
} from "asyncio-streams/testing";
import { createConnection } from "#src/streams/connection.js";
import { pairInMemory, TRANSPORT_FAULTS } from "./faulty-transports.js";

/** Time for obligations that faulty ones never meet. */
const SHORT = { timeout: 400 };

async function failuresOf(makePair: MakePair): Promise<readonly string[]> {
  const error: unknown = await checkTransport(makePair, SHORT).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) return [];
  assert.ok(error instanceof TransportCheckError, String(error));
  for (const { name } of error.failures) assert.ok(error.message.includes(name));
  return error.failures.map(({ name }) => name);
}

function streamsInMemory(change: (reader: StreamReader) => CheckedReader): StreamsPair {
  const { near, far } = pairInMemory();
  const [one, two] = [near, far].map((transport) =>
    createConnection(transport, { limit: 65_536, side: "client" }),
  );
  return { near: { reader: change(one!.reader), writer: one!.writer }, far: two as CheckedStreams };
}

/** Readers that break one promise each. */
const READER_FAULTS: readonly [
  fault: string,
  obligation: RegExp,
  change: (reader: StreamReader) => CheckedReader,
][] = [
  [
    "reorders bytes after a bounded read",
    /reads give the bytes in order/,
    (reader) => {
      // What a bounded read leaves of a chunk is given only to bounded reads.
      let left = Buffer.alloc(0);
      return {
        async read(size = -1, options) {
          if (size > 0 && size < 65_536) {
            const chunk = left.length > 0 ? left : await reader.read(4_096, options);
            left = chunk.subarray(size);
            return chunk.subarray(0, size);
          }
          return reader.read(size, options);
        },
      };
    },
  ],
  [
    "loses the chunk that arrives during an abort",
    /an aborted read rejects and loses no byte/,
    (reader) => {
      let last: Promise<unknown> = Promise.resolve();
      return {
        async read(size, options) {
          await last;
          const taken = reader.read(size);
          last = taken.catch(() => {});
          return await new Promise<Uint8Array>((resolve, reject) => {
            options?.signal.addEventListener("abort", () => reject(options.signal.reason as Error));
            taken.then(resolve, reject);
          });
        },
      };
    },
  ],
  [
    "returns short from an exact read at the end",
    /readExactly\(\) fails when the stream ends before/,
    (reader) => ({
      read: (size, options) => reader.read(size, options),
      async readExactly(size) {
        const chunks: Uint8Array[] = [];
        for (let rest = size; rest > 0;) {
          const chunk = await reader.read(rest);
          if (chunk.length === 0) break;
          chunks.push(chunk);
          rest -= chunk.length;
        }
        return Buffer.concat(chunks);
      },
    }),
  ],
];

describe("checkTransport()", () => {
  it("passes the transport in memory, and says how many obligations it meets", async () => {
    const count = await checkTransport(async () => pairInMemory());
    assert.ok(count >= 45, `${count} obligations`);
  });

  it("fails, and comes to an end, when the streams end at once", async () => {
    const failures = await failuresOf(async () => {
      const pair = streamsInMemory((reader) => reader);
      pair.far.writer.close();
      return pair;
    });
    assert.ok(
      failures.some((name) => /an aborted read/.test(name)),
      failures.join("\n"),
    );
  });

  it("passes streams as streams", async () => {
    assert.ok((await checkTransport(async () => streamsInMemory((reader) => reader))) >= 9);
  });

  for (const [fault, obligation, makePair] of TRANSPORT_FAULTS) {
    it(`catches a transport that ${fault}`, async () => {
      const failures = await failuresOf(async () => makePair());
      assert.ok(
        failures.some((name) => obligation.test(name)),
        failures.join("\n"),
      );
    });
  }

  for (const [fault, obligation, change] of READER_FAULTS) {
    it(`catches a reader that ${fault}`, async () => {
      const failures = await failuresOf(async () => streamsInMemory(change));
      assert.ok(
        failures.some((name) => obligation.test(name)),
        failures.join("\n"),
      );
    });
  }
});
