import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openConnection, startServer } from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import { patternBytes } from "../support/bytes.js";
import { faultProxy } from "../support/fault-proxy.js";
import { isPending } from "../support/turns.js";
import { atEach, DIRECTIONS, positions, POSITIONS, type Streams } from "./proxied.js";

/** More than the buffers between two ends hold. */
const BULK = patternBytes(8 * 1_048_576);

describe(`slow drain after each of the first ${POSITIONS} bytes`, () => {
  for (const direction of DIRECTIONS) {
    it(`${direction}: drain() waits while the buffers are full, and all bytes arrive`, () =>
      atEach(
        positions(POSITIONS, 67),
        async (after, cleanup) => {
          let serve!: (streams: Streams) => void;
          const served = new Promise<Streams>((resolve) => (serve = resolve));
          const server = await startServer((reader, writer) => serve({ reader, writer }), "127.0.0.1", 0);
          cleanup(() => server[Symbol.asyncDispose]());
          const proxy = await faultProxy(cleanup, portOf(server), { kind: "slow", direction, after });
          const client = await openConnection("127.0.0.1", proxy.port);
          const accepted = await served;
          const [sender, receiver] = direction === "toServer" ? [client, accepted] : [accepted, client];
          sender.writer.write(BULK);
          const drained = sender.writer.drain();
          assert.ok(await isPending(drained));
          const received = await receiver.reader.readExactly(BULK.length);
          assert.ok(received.equals(BULK));
          await drained;
          for (const { writer } of [sender, receiver]) writer.close();
          for (const { writer } of [sender, receiver]) await writer.waitClosed();
        },
        4,
      ));
  }
});
