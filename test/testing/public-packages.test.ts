import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Socket } from "node:net";
import { byteStream } from "it-byte-stream";
import { PromiseSocket } from "promise-socket";
import { openConnection, socketPair } from "asyncio-streams";
import {
  checkTransport,
  TransportCheckError,
  type CheckedStreams,
  type MakePair,
} from "asyncio-streams/testing";

const EMPTY = Buffer.alloc(0);
/** From here on a check wants whatever is there. */
const UNBOUNDED = 65_536;

/** promise-socket as the checks expect streams: what it reads above `size` goes back to the socket. */
function overPromiseSocket(socket: Socket): CheckedStreams {
  const promised = new PromiseSocket(socket);
  return {
    reader: {
      async read(size = UNBOUNDED) {
        const chunk = ((await promised.read()) as Buffer | undefined) ?? EMPTY;
        if (chunk.length > size) socket.unshift(chunk.subarray(size));
        return chunk.subarray(0, size);
      },
      readExactly: async (size) => ((await promised.read(size)) as Buffer | undefined) ?? EMPTY,
    },
    writer: writerTo(socket),
  };
}

/** it-byte-stream over the socket as an async iterable. */
function overByteStream(socket: Socket): CheckedStreams {
  const bytes = byteStream({
    source: socket as AsyncIterable<Uint8Array>,
    async sink(source: AsyncIterable<Uint8Array>) {
      for await (const chunk of source) socket.write(chunk);
    },
  });
  const signalOf = (options: { readonly signal: AbortSignal } | undefined) =>
    options === undefined ? {} : { signal: options.signal };
  return {
    reader: {
      async read(size = UNBOUNDED, options) {
        if (size < UNBOUNDED) return (await bytes.read({ bytes: size, ...signalOf(options) })).subarray();
        return (await bytes.read(signalOf(options)))?.subarray() ?? EMPTY;
      },
      readExactly: async (size) => (await bytes.read({ bytes: size })).subarray(),
    },
    writer: writerTo(socket),
  };
}

function writerTo(socket: Socket): CheckedStreams["writer"] {
  const closed = new Promise<void>((resolve) => {
    socket.on("error", () => {}).once("close", () => resolve());
  });
  return {
    write: (data) => void socket.write(data),
    drain: () =>
      socket.writableNeedDrain ? new Promise((resolve) => socket.once("drain", resolve)) : Promise.resolve(),
    close: () => void socket.end(() => socket.destroySoon()),
    waitClosed: () => closed,
  };
}

/** A pair of sockets, the near one with `over` on it, the far one with this library. */
function pairsWith(over: (socket: Socket) => CheckedStreams): MakePair {
  return async (undo) => {
    const [near, far] = await socketPair();
    const connection = await openConnection({ sock: far });
    undo(() => near.destroy());
    undo(() => connection.writer.transport.abort());
    return { near: over(near), far: connection };
  };
}

describe("checkTransport() of public packages", () => {
  const CASES: readonly [
    name: string,
    over: (socket: Socket) => CheckedStreams,
    faults: readonly string[],
  ][] = [
    [
      "promise-socket",
      overPromiseSocket,
      ["readExactly() fails when the stream ends before, and does not return short"],
    ],
    [
      "it-byte-stream",
      overByteStream,
      [
        "reads give the bytes in order, whatever kinds of reads follow each other",
        "an aborted read rejects and loses no byte, whenever the bytes come",
      ],
    ],
  ];
  for (const [name, over, faults] of CASES) {
    it(`catches the faults of ${name}`, async () => {
      await assert.rejects(checkTransport(pairsWith(over), { halfClose: false, timeout: 2_000 }), (error) => {
        assert.ok(error instanceof TransportCheckError, String(error));
        const failed = error.failures.map((failure) => failure.name);
        for (const fault of faults)
          assert.ok(failed.includes(`streams: ${fault}`), `${fault}, in:\n${error.message}`);
        return true;
      });
    });
  }
});
