/** An echo server and its clients, over TCP and over a Unix socket. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  openConnection,
  openUnixConnection,
  startServer,
  startUnixServer,
  type Connection,
  type StreamReader,
  type StreamWriter,
} from "asyncio-streams";
import { say, title } from "./story.js";

export async function echo(): Promise<void> {
  title("An echo server, and five clients at once over TCP");
  await using server = await startServer(echoLines, "127.0.0.1", 0);
  const [host, port] = server.sockets[0]!.getsockname() as readonly [string, number];
  say(`The server listens on ${host}, and the system gave it port ${port}.`);
  await fiveClients(() => openConnection(host, port));
}

export async function unix(): Promise<void> {
  title("The same over a Unix socket");
  const folder = await mkdtemp(join(tmpdir(), "demo-"));
  const path = join(folder, "echo.sock");
  {
    await using _server = await startUnixServer(echoLines, path);
    say("The server listens at a path in a new folder: echo.sock.");
    await fiveClients(() => openUnixConnection(path));
  }
  await rm(folder, { recursive: true });
  say("Server and socket file are gone.");
}

async function echoLines(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for await (const line of reader) {
    writer.write(line);
    await writer.drain();
  }
}

async function fiveClients(connect: () => Promise<Connection>): Promise<void> {
  const talk = async (name: string): Promise<string> => {
    await using connection = await connect();
    const { reader, writer } = connection;
    writer.writeLines([`Hello, I am ${name}.\n`, "Is anybody there?\n"]);
    await writer.drain();
    const answers = [await reader.readLine(), await reader.readLine()];
    return `${name} hears: ${answers.map((line) => line.toString().trimEnd()).join(" ")}`;
  };
  const names = ["Ada", "Grace", "Barbara", "Radia", "Katherine"];
  for (const heard of await Promise.all(names.map(talk))) say(heard);
}
