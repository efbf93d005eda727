// What does it cost to know of a truncated TLS connection? CPU for 256 MiB one way and for 5 000 round trips of 64 bytes,
// in this process for both ends, for each way that `truncation` can be set. Needs a build (npm run build).
import process from "node:process";
import { openConnection, startServer } from "asyncio-streams";
import { makeSelfSigned } from "../build/test/support/certificates.js";

const ROUNDS = 5;
const BULK = 256 * 1024 * 1024;
const PINGS = 5_000;
const identity = makeSelfSigned();
const chunk = new Uint8Array(65_536);

async function measure(truncation) {
  const server = await startServer(
    async (reader, writer) => {
      for (let left = BULK; left > 0;) left -= (await reader.read(Math.min(left, 262_144))).length;
      for (;;) {
        const ping = await reader.readExactly(64).catch(() => undefined);
        if (ping === undefined) return;
        writer.write(ping);
        await writer.drain();
      }
    },
    "127.0.0.1",
    0,
    { ssl: identity, truncation },
  );
  const [host, port] = server.sockets[0].getsockname();
  const [reader, writer] = await openConnection(host, port, { ssl: { ca: identity.cert }, truncation });
  const bulk = await cpu(async () => {
    for (let sent = 0; sent < BULK; sent += chunk.length) {
      writer.write(chunk);
      await writer.drain();
    }
    writer.write(chunk.subarray(0, 64));
    await reader.readExactly(64);
  });
  const pings = await cpu(async () => {
    for (let count = 0; count < PINGS; count++) {
      writer.write(chunk.subarray(0, 64));
      await reader.readExactly(64);
    }
  });
  await writer[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  return { bulk: bulk / (BULK / 1_048_576), pings: pings / PINGS };
}

/** Microseconds of CPU that `work` takes. */
async function cpu(work) {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

const results = { ignore: [], report: [], error: [] };
for (let round = 0; round < ROUNDS; round++) {
  for (const truncation of Object.keys(results)) results[truncation].push(await measure(truncation));
}
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
console.log(`Node.js ${process.version}, medians of ${ROUNDS} rounds, CPU of both ends together`);
for (const [truncation, runs] of Object.entries(results)) {
  const bulk = median(runs.map((run) => run.bulk));
  const pings = median(runs.map((run) => run.pings));
  console.log(
    `${truncation.padEnd(7)} ${bulk.toFixed(0).padStart(6)} µs a MiB  ${pings.toFixed(1).padStart(6)} µs a round trip`,
  );
}
