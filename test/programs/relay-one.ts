/** A process that relays one connection to the port it is given. It prints its own port, and at the end what that took. */
import { argv } from "node:process";
import { openConnection, relay, startServer } from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import { HeldMemory } from "../support/held-memory.js";

export interface RelayReport {
  /** The most that was held above what was so before the first byte, in bytes. */
  readonly addedMemory: number;
  readonly aToB: number;
  readonly bToA: number;
  /** How many chunks were passed on. */
  readonly chunks: number;
}

const server = await startServer(
  async (reader, writer) => {
    const backend = await openConnection("127.0.0.1", argv[2]);
    const memory = new HeldMemory();
    let chunks = 0;
    const passed = await relay({ reader, writer }, backend, {
      onBytes(_direction, count) {
        chunks++;
        memory.passed(count);
      },
    });
    const report: RelayReport = { addedMemory: memory.added, ...passed, chunks };
    console.log(JSON.stringify(report));
    server.close();
  },
  "127.0.0.1",
  0,
);
console.log(portOf(server));
