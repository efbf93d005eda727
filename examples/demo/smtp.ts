/** The example server of SMTP, and a client that many programs use. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTransport } from "nodemailer";
import { makeAuthority } from "../../test/support/certificates.js";
import { temporaryFolder } from "../../test/support/folders.js";
import { runProgram } from "../../test/support/processes.js";
import { say, title } from "./story.js";
import { undoing } from "./undoing.js";

const TEXT = "Nobody has read this on its way.";

export async function smtp(): Promise<void> {
  title("SMTP: a server with STARTTLS takes a mail from nodemailer");
  await undoing(sendMail);
}

async function sendMail(cleanup: (undo: () => unknown) => void): Promise<void> {
  const folder = await temporaryFolder(cleanup);
  const authority = makeAuthority("The demo's own authority");
  const { cert, key } = authority.issue();
  const files = [join(folder, "cert.pem"), join(folder, "key.pem")] as const;
  await Promise.all([writeFile(files[0], cert), writeFile(files[1], key)]);

  const server = runProgram(cleanup, "examples/smtp-server.js", ["127.0.0.1", "0", ...files]);
  const port = /,(\d+)\]$/.exec((await server.nextLine()) ?? "")?.[1];
  say("The example server runs as a program of its own. nodemailer insists on TLS, and they say:");
  const client = createTransport({
    host: "127.0.0.1",
    port: Number(port),
    name: "client.test",
    requireTLS: true,
    tls: { ca: authority.cert },
    debug: true,
    logger: { ...SILENT, debug: tellWhatIsSaid },
  });
  await client.sendMail({
    from: "ada@example.test",
    to: "grace@example.test",
    subject: "A letter",
    text: TEXT,
  });
  client.close();
  say("The server has printed:");
  for (let line = await server.nextLine(); line !== undefined; line = await server.nextLine()) {
    say(`  ${line}`);
    if (line === `| ${TEXT}`) break;
  }
}

const nothing = (): void => {};
const SILENT = {
  level: nothing,
  trace: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  fatal: nothing,
};

/** Of all that nodemailer logs. */
function tellWhatIsSaid({ tnx }: { readonly tnx?: unknown }, text: string): void {
  if (tnx !== "client" && tnx !== "server") return;
  const who = tnx === "client" ? "Client" : "Server";
  for (const line of text.trim().split(/\r?\n/)) say(`  ${who}: ${line}`);
}
