// Waits for data on an open socket: one end of a pair becomes a stream, the other one sends.
import { once } from "node:events";
import { openConnection, socketPair } from "asyncio-streams";

const [readingSocket, writingSocket] = await socketPair();

// Register the open socket to wait for data.
const [reader, writer] = await openConnection({ sock: readingSocket });

// Simulate the reception of data from the network.
setImmediate(() => writingSocket.write("abc"));

// Wait for data.
const data = await reader.read(100);

// Got data, we are done: close the socket.
console.log("Received:", data.toString());
writer.close();
await writer.waitClosed();

// Close the second socket.
writingSocket.destroy();
await once(writingSocket, "close");
