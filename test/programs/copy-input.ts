/** Copies its standard input to its standard output, line by line, and counts the bytes on its standard error. */
import process from "node:process";
import { fromReadable, fromWritable } from "asyncio-streams/node";

const [input, output] = [fromReadable(process.stdin), fromWritable(process.stdout)];
let bytes = 0;
for await (const line of input) {
  output.write(line);
  await output.drain();
  bytes += line.length;
}
output.close();
await output.waitClosed();
console.error(bytes);
