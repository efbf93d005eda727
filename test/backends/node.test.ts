import { join } from "node:path";
import { temporaryFolder } from "../support/folders.js";
import { accepting, connecting, LOOPBACK, receivingAnew } from "../support/socket-pairs.js";
import { describeTransport } from "./conformance.js";

describeTransport(
  "a transport over TCP, connecting",
  connecting(async () => LOOPBACK),
  { resets: true },
);
describeTransport("a transport over TCP, accepting", accepting, { resets: true });
describeTransport(
  "a transport over a Unix socket",
  connecting(async (cleanup) => ({ kind: "unix", path: join(await temporaryFolder(cleanup), "s") })),
  { resets: false },
);
describeTransport("a transport over TCP, receiving into new memory each time", receivingAnew, {
  resets: true,
});
