// TCP echo server: answers each connection once. Arguments: host, port.
import { argv } from "node:process";
import { startServer, type StreamReader, type StreamWriter } from "asyncio-streams";

async function handleEcho(reader: StreamReader, writer: StreamWriter): Promise<void> {
  const data = await reader.read(100);
  const message = data.toString();
  const address = writer.getExtraInfo("peername");
  console.log(`Received '${message}' from ${JSON.stringify(address)}`);

  console.log(`Send: '${message}'`);
  writer.write(data);
  await writer.drain();

  console.log("Close the connection");
  writer.close();
  await writer.waitClosed();
}

const [host = "127.0.0.1", port = "8888"] = argv.slice(2);
const server = await startServer(handleEcho, host, port);
const addresses = server.sockets.map((socket) => JSON.stringify(socket.getsockname()));
console.log(`Serving on ${addresses.join(", ")}`);
await server.serveForever();
