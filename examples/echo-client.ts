// TCP echo client. Arguments: message, host, port.
import { argv } from "node:process";
import { inspect } from "node:util";
import { openConnection } from "asyncio-streams";

async function tcpEchoClient(message: string, host = "127.0.0.1", port = "8888"): Promise<void> {
  const [reader, writer] = await openConnection(host, port);

  console.log(`Send: ${inspect(message)}`);
  writer.write(message);
  await writer.drain();

  const data = await reader.read(100);
  console.log(`Received: ${inspect(data.toString())}`);

  console.log("Close the connection");
  writer.close();
  await writer.waitClosed();
}

const [message = "Hello World!", host, port] = argv.slice(2);
await tcpEchoClient(message, host, port);
