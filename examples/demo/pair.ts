/** A stream on a socket that somebody else has made. */
import { openConnection, socketPair } from "asyncio-streams";
import { say, title } from "./story.js";

export async function pair(): Promise<void> {
  title("Waiting for data on a socket pair");
  const [ours, theirs] = await socketPair();
  await using connection = await openConnection({ sock: ours });
  say("One end of the pair is a stream now, and we wait on it …");
  setTimeout(() => theirs.end("abc"), 50);
  say(`Received: ${(await connection.reader.read(100)).toString()}`);
}
