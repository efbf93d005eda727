// Says a line to the TLS echo server at a port of localhost, and prints whether it was verified and what comes back.
import { openConnection } from "asyncio-streams";

const { reader, writer } = await openConnection("localhost", process.argv[2], { ssl: true });
writer.write("echo\n");
console.log(`${writer.getExtraInfo("authorized")} ${(await reader.readLine()).toString().trim()}`);
await writer[Symbol.asyncDispose]();
