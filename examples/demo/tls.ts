/** A connection that becomes encrypted on its way. */
import { openConnection, startServer } from "asyncio-streams";
import { makeAuthority } from "../../test/support/certificates.js";
import { say, title } from "./story.js";

export async function tls(): Promise<void> {
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
