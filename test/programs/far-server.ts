// An echo server of another host. Says how each connection ended. Arguments: the port, and options as JSON. A line of its
// input shuts it down, with that many ms of grace; it ends with its input.
import { createInterface } from "node:readline";
import { errorText } from "../support/error-text.js";
import { startServer, type StartServerOptions } from "asyncio-streams";

const options = JSON.parse(process.argv[3]!) as StartServerOptions;
const server = await startServer(
  async (reader, writer) => {
    try {
      for (let bytes = await reader.read(65_536); bytes.length > 0; bytes = await reader.read(65_536)) {
        writer.write(bytes);
        await writer.drain();
      }
      console.log("ended");
    } catch (error) {
      console.log(`lost ${errorText(error)}`);
    }
  },
  undefined,
  process.argv[2],
  options,
);
console.log("serving");
for await (const line of createInterface(process.stdin)) {
  const { ended, aborted } = await server.shutdown({ grace: Number(line) });
  console.log(`shut down: ${ended} ended, ${aborted} aborted`);
}
server.abortClients();
server.close();
