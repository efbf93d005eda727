// Prints the HTTP headers of a URL. Argument: an http: or https: URL.
import { argv } from "node:process";
import { openConnection } from "asyncio-streams";

async function printHttpHeaders(address: string): Promise<void> {
  const url = new URL(address);
  const isTls = url.protocol === "https:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const [reader, writer] = await openConnection(host, url.port || (isTls ? 443 : 80), { ssl: isTls });

  writer.write(`HEAD ${url.pathname || "/"} HTTP/1.0\r\nHost: ${url.hostname}\r\n\r\n`);
  for await (const line of reader) {
    const header = line.toString("latin1").trimEnd();
    if (header) console.log(`HTTP header> ${header}`);
  }

  // The body is not read: close the connection.
  writer.close();
  await writer.waitClosed();
}

const [address] = argv.slice(2);
if (address === undefined) {
  console.error("usage: http-headers URL");
  process.exitCode = 2;
} else {
  await printHttpHeaders(address);
}
