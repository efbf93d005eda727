// TCP echo server: answers each connection once. Arguments: host, port.
import { argv } from "node:process";
import { inspect } from "node:util";
import { startServer, type SocketAddress, type StreamReader, type StreamWriter } from "asyncio-streams";

async function handleEcho(reader: StreamReader, writer: StreamWriter): Promise<void> {
  const data = await reader.read(100);
  const message = data.toString();
  const address = writer.getExtraInfo("peername");
  console.log(`Received ${inspect(message)} from ${show(address)}`);

  console.log(`Send: ${inspect(message)}`);
  writer.write(data);
  await writer.drain();

  console.log("Close the connection");
  writer.close();
  await writer.waitClosed();
}

/** As Python shows a tuple: ('127.0.0.1', 8888). */
function show(address?: SocketAddress): string {
  return inspect(address).replace(/^\[ (.*) \]$/, "($1)");
}

const [host = "127.0.0.1", port = "8888"] = argv.slice(2);
const server = await startServer(handleEcho, host, port);
const addresses = server.sockets.map((socket) => show(socket.getsockname()));
console.log(`Serving on ${addresses.join(", ")}`);
await server.serveForever();
