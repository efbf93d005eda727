// Makes socket pairs when only so many descriptors are left as its arguments say, and prints what comes of each.
import { closeSync, openSync } from "node:fs";
import { socketPair } from "asyncio-streams";

console.log("begin");
for (const pair of [await socketPair()]) for (const socket of pair) socket.destroy();

const opened: number[] = [];
for (const count of process.argv.slice(2).map(Number)) {
  try {
    for (;;) opened.push(openSync("/dev/null", "r"));
  } catch {
    for (const descriptor of opened.splice(0, count)) closeSync(descriptor);
  }
  try {
    for (const socket of await socketPair()) socket.destroy();
    console.log(`${count}: a pair`);
  } catch (error) {
    console.log(`${count}: ${(error as Error & { code?: string }).code}`);
  }
  await new Promise(setImmediate);
}
