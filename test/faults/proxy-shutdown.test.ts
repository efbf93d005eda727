import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { patternBytes } from "../support/bytes.js";
import type { Fault, FaultKind } from "../support/fault-proxy.js";
import {
  atEach,
  checkOutcome,
  connectThrough,
  DIRECTIONS,
  drainReader,
  nameOfEnd,
  positions,
  POSITIONS,
  receiveExactly,
  serveBehind,
  SHORT,
} from "./proxied.js";

const PAYLOAD = patternBytes(POSITIONS);
/** A grace that no connection needs that can end by itself, in ms. */
const LONG = 60_000;

/** By the kind of fault: what the shutdown comes to, and at which positions it is tried unless all are asked for. */
const FAULTS: Readonly<Record<FaultKind, { readonly criterion: string; readonly step: number }>> = {
  cut: { criterion: "the connection ends by itself, behind what had arrived", step: 5 },
  reset: { criterion: "the connection is lost, which is an end too", step: 5 },
  stall: { criterion: "the connection is aborted after the grace if the server still waits", step: 5 },
  dribble: { criterion: "the connection ends by itself, with all bytes", step: 20 },
  reorder: { criterion: "the connection ends by itself, with all bytes", step: 20 },
  slow: { criterion: "the connection ends by itself, with all bytes", step: 20 },
};

/** The server waits for the client's end as long as that is held back; what it sends itself the system takes. */
function isAborted({ kind, direction }: Fault): boolean {
  return kind === "stall" && direction === "toServer";
}

describe(`server.shutdown({ grace }) during an echo through a proxy that does harm after each of the first ${POSITIONS} bytes`, () => {
  for (const [kind, { criterion, step }] of Object.entries(FAULTS) as [
    FaultKind,
    (typeof FAULTS)[FaultKind],
  ][]) {
    for (const direction of kind === "reorder" ? (["toClient"] as const) : DIRECTIONS) {
      it(`${kind} ${direction}: ${criterion}`, () =>
        atEach(positions(POSITIONS, step), async (after, cleanup) => {
          const fault = { kind, direction, after };
          let begin!: () => void;
          const begun = new Promise<void>((resolve) => (begin = resolve));
          const { server, proxy, outcome } = await serveBehind(
            cleanup,
            fault,
            async ({ reader, writer }, { signal }) => {
              let size = 0;
              const beginIfDue = () => {
                // What is aborted must have got all that passes before the stall.
                if (!isAborted(fault) || size === after) begin();
              };
              beginIfDue();
              const announced = new Promise((resolve) => signal.addEventListener("abort", resolve));
              const pieces: Buffer[] = [];
              try {
                for (let piece = await reader.read(64); piece.length > 0; piece = await reader.read(64)) {
                  pieces.push(piece);
                  size += piece.length;
                  beginIfDue();
                  writer.write(piece);
                  await writer.drain();
                }
              } catch {
                pieces.push((await drainReader(reader)).received);
              }
              await announced;
              return { received: Buffer.concat(pieces), end: "" };
            },
          );
          const client = (async () => {
            const connection = await connectThrough(proxy);
            if (connection === undefined) return undefined;
            const { reader, writer } = connection;
            writer.write(PAYLOAD);
            writer.writeEof();
            const received = await receiveExactly(reader, PAYLOAD.length);
            writer.close();
            return { ...received, closed: await nameOfEnd(writer.waitClosed()) };
          })();
          await begun;
          const result = await server.shutdown({ grace: isAborted(fault) ? SHORT : LONG });
          assert.deepEqual(result, isAborted(fault) ? { ended: 0, aborted: 1 } : { ended: 1, aborted: 0 });
          proxy.release();
          const { received } = await outcome;
          assert.ok(received.equals(PAYLOAD.subarray(0, proxy.toServer.passed)), `${received.length} bytes`);
          const ours = await client;
          if (ours === undefined) assert.equal(after, 0);
          else checkOutcome("client", ours, received, proxy.toClient, proxy.isReset);
          assert.equal(server.isServing(), false);
          assert.deepEqual(server.sockets, []);
        }));
    }
  }
});
