/** Back-pressure, seen from the outside. */
import { openConnection, startServer } from "asyncio-streams";
import { say, title } from "./story.js";

export async function pressure(): Promise<void> {
  title("Back-pressure: a fast writer, held back by a slow reader");
  const total = 32 * 1024 * 1024;
  let largest = 0;
  await using server = await startServer(
    async (_reader, writer) => {
      const chunk = new Uint8Array(65_536);
      for (let sent = 0; sent < total; sent += chunk.length) {
        writer.write(chunk);
        largest = Math.max(largest, writer.transport.getWriteBufferSize());
        await writer.drain();
      }
    },
    "127.0.0.1",
    0,
  );
  const [host, port] = server.sockets[0]!.getsockname() as readonly [string, number];
  await using connection = await openConnection(host, port);
  const { reader } = connection;
  say(`The server writes ${mib(total)}, with "await writer.drain()" after every 64 KiB.`);
  say("The client takes a nap after every 4 MiB that it reads.");
  for (let read = 0; read < total;) {
    for (const next = read + 4 * 1024 * 1024; read < next;) read += (await reader.readExactly(65_536)).length;
    say(
      `  ${mib(read).padStart(6)} read; the writer has never held more than ${kib(largest)}; reader: ${reader.toString()}`,
    );
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  say("The writer waited whenever the client slept: memory stays flat, whatever the size.");
}

const kib = (bytes: number): string => `${Math.round(bytes / 1024)} KiB`;
const mib = (bytes: number): string => `${bytes / 1024 / 1024} MiB`;
