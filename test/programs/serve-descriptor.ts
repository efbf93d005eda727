// Serves at the listening socket that this process has inherited as descriptor 3, and says so. Ends with its input.
import { startServer, startUnixServer, type StreamReader, type StreamWriter } from "asyncio-streams";

const greet = (_reader: StreamReader, writer: StreamWriter) => writer.write("from the child\n");
const options = { sock: { fd: 3 } };
try {
  const server = await (process.argv[2] === "unix"
    ? startUnixServer(greet, options)
    : startServer(greet, options));
  console.log(`serving ${JSON.stringify(server.sockets[0]!.getsockname())}`);
  process.stdin.resume().once("end", () => {
    server.abortClients();
    server.close();
  });
} catch (error) {
  console.log(String(error));
}
