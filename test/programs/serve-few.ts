// An echo server that says its port. Ends with its input.
import { startServer } from "asyncio-streams";

const server = await startServer(
  async (reader, writer) => {
    for await (const line of reader) writer.write(line);
  },
  "127.0.0.1",
  0,
);
const [, port] = server.sockets[0]!.getsockname() as readonly [string, number];
console.log(port);
process.stdin.resume().once("end", () => {
  server.abortClients();
  server.close();
});
