// What does a line cost, by each way to read lines? CPU for lines of 32 bytes that come in chunks of 64 KiB, from memory, so
// that nothing but the reader is measured. Needs a build (npm run build).
import process from "node:process";
import { StreamReader } from "asyncio-streams";

const ROUNDS = 9;
const CHUNKS = 150;
const LINE = 32;
const chunk = Buffer.from(`${"x".repeat(LINE - 1)}\n`.repeat(65_536 / LINE));
const LINES = CHUNKS * (chunk.length / LINE);

const ways = {
  "await readLine()": async (reader) => {
    while ((await reader.readLine()).length > 0);
  },
  "tryReadLine() ?? await readLine()": async (reader) => {
    while ((reader.tryReadLine() ?? (await reader.readLine())).length > 0);
  },
  "for await of reader": async (reader) => {
    for await (const line of reader) if (line.length !== LINE) throw new Error("wrong");
  },
  "lines()": async (reader) => {
    for await (const line of reader.lines()) if (line.length !== LINE - 1) throw new Error("wrong");
  },
  "lines({ batches })": async (reader) => {
    for await (const batch of reader.lines({ batches: true })) {
      for (const line of batch) if (line.length !== LINE - 1) throw new Error("wrong");
    }
  },
  "lines({ batches, encoding: latin1 })": async (reader) => {
    for await (const batch of reader.lines({ batches: true, encoding: "latin1" })) {
      for (const line of batch) if (line.length !== LINE - 1) throw new Error("wrong");
    }
  },
};

/** Nanoseconds of CPU for a line. */
async function measure(read) {
  const reader = new StreamReader();
  const before = process.cpuUsage();
  const reading = read(reader);
  for (let sent = 0; sent < CHUNKS; sent++) {
    reader.feedData(chunk);
    while (reader.bufferedBytes > 0) await new Promise((resolve) => setImmediate(resolve));
  }
  reader.feedEof();
  await reading;
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1_000) / LINES;
}

const results = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, read] of Object.entries(ways)) results[name].push(await measure(read));
}
for (const [name, costs] of Object.entries(results)) {
  costs.sort((a, b) => a - b);
  console.log(`${name}: ${Math.round(costs[Math.floor(costs.length / 2)])} ns a line`);
}
