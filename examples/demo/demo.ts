// The library at work on real sockets, told as a story. Arguments: --help, --list, or names of chapters.
import { argv } from "node:process";
import { echo, unix } from "./echo.js";
import { pair } from "./pair.js";
import { pressure } from "./pressure.js";
import { redis } from "./redis.js";
import { smtp } from "./smtp.js";
import { tls } from "./tls.js";

const CHAPTERS: Readonly<Record<string, () => Promise<void>>> = {
  echo,
  unix,
  pressure,
  pair,
  tls,
  redis,
  smtp,
};

const LIST = `Chapters, all on real sockets of this machine:
  echo      an echo server, and five clients that talk to it at once over TCP
  unix      the same over a Unix socket
  pressure  a fast writer, held back by a slow reader
  pair      waiting for data on one end of a socket pair
  tls       STARTTLS: a conversation that begins in the clear and goes on encrypted

Real protocols, with programs of examples/:
  redis     a client that pipelines and a server, with each other and with redis-server if it is installed
  smtp      a server with STARTTLS that takes a mail from nodemailer`;

const HELP = `npm run demo             all chapters, in a few seconds
npm run demo -- NAME …   only these
npm run demo -- --list   their names
npm run demo -- --help   this text

${LIST}`;

const wanted = argv.slice(2);
const unknown = wanted.find((name) => !Object.hasOwn(CHAPTERS, name));
if (wanted.includes("--help")) {
  console.log(HELP);
} else if (wanted.includes("--list")) {
  console.log(LIST);
} else if (unknown !== undefined) {
  console.error(`There is no chapter "${unknown}".\n\n${HELP}`);
  process.exitCode = 2;
} else {
  for (const name of wanted.length > 0 ? wanted : Object.keys(CHAPTERS)) await CHAPTERS[name]!();
  console.log("\nThe end: nothing is left open, and the process ends by itself.");
}
