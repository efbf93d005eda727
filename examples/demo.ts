// The main job on real sockets, told as a story.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { argv } from "node:process";
import {
  openConnection,
  openUnixConnection,
  socketPair,
  startServer,
  startUnixServer,
  type Connection,
  type StreamReader,
  type StreamWriter,
} from "asyncio-streams";
import { makeAuthority } from "../test/support/certificates.js";

const HELP = `npm run demo             all chapters, in a few seconds
npm run demo -- NAME …   only these
npm run demo -- --help   this text

Chapters, all on real sockets of this machine:
  echo      an echo server, and five clients that talk to it at once over TCP
  unix      the same over a Unix socket
  pressure  a fast writer, held back by a slow reader
  pair      waiting for data on one end of a socket pair
  tls       STARTTLS: a conversation that begins in the clear and goes on encrypted`;

const CHAPTERS: Readonly<Record<string, () => Promise<void>>> = { echo, unix, pressure, pair, tls };

async function echo(): Promise<void> {
  title("An echo server, and five clients at once over TCP");
  await using server = await startServer(echoLines, "127.0.0.1", 0);
  const [host, port] = server.sockets[0]!.getsockname() as readonly [string, number];
  say(`The server listens on ${host}, and the system gave it port ${port}.`);
  await fiveClients(() => openConnection(host, port));
}

async function unix(): Promise<void> {
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

async function pressure(): Promise<void> {
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

async function pair(): Promise<void> {
  title("Waiting for data on a socket pair");
  const [ours, theirs] = await socketPair();
  await using connection = await openConnection({ sock: ours });
  say("One end of the pair is a stream now, and we wait on it …");
  setTimeout(() => theirs.end("abc"), 50);
  say(`Received: ${(await connection.reader.read(100)).toString()}`);
}

async function tls(): Promise<void> {
  title("STARTTLS: a conversation that begins in the clear and goes on encrypted");
  const authority = makeAuthority("The demo's own authority");
  const identity = authority.issue();
  say("An authority and a certificate for the server were made on the spot.");
  await using server = await startServer(
    async (reader, writer) => {
      writer.write("Hello. Whoever listens in can read this.\n");
      await reader.readUntil("STARTTLS\n");
      writer.write("Go ahead.\n");
      await writer.startTls(identity);
      await reader.readLine();
      writer.write("Nobody but you and me.\n");
    },
    "127.0.0.1",
    0,
  );
  const [host, port] = server.sockets[0]!.getsockname() as readonly [string, number];
  await using connection = await openConnection(host, port);
  const { reader, writer } = connection;
  const hear = async (): Promise<void> => say(`  Server: ${(await reader.readLine()).toString().trimEnd()}`);
  const tell = (text: string): void => {
    say(`  Client: ${text}`);
    writer.write(`${text}\n`);
  };
  await hear();
  tell("STARTTLS");
  await hear();
  await writer.startTls({ ca: authority.cert });
  const [version, cipher] = [writer.getExtraInfo("tlsVersion"), writer.getExtraInfo("cipher")?.name];
  say(`The server has shown its certificate: it is good for ${host}. From here on it is ${version}`);
  say(`with ${cipher}, over the same reader and writer:`);
  tell("And who can read this?");
  await hear();
}

function title(text: string): void {
  console.log(`\n${text}\n${"─".repeat(text.length)}`);
}

function say(text: string): void {
  console.log(`  ${text}`);
}

const kib = (bytes: number): string => `${Math.round(bytes / 1024)} KiB`;
const mib = (bytes: number): string => `${bytes / 1024 / 1024} MiB`;

const wanted = argv.slice(2);
const unknown = wanted.find((name) => !Object.hasOwn(CHAPTERS, name));
if (wanted.includes("--help")) {
  console.log(HELP);
} else if (unknown !== undefined) {
  console.error(`There is no chapter "${unknown}".\n\n${HELP}`);
  process.exitCode = 2;
} else {
  for (const name of wanted.length > 0 ? wanted : Object.keys(CHAPTERS)) await CHAPTERS[name]!();
  console.log("\nThe end: nothing is left open, and the process ends by itself.");
}
