/** Scripts of operations on real connections, whose other end does what the script says. */
import { openConnection } from "asyncio-streams";
import { packageRoot } from "../../support/package-root.js";
import type { Kind } from "../kind.js";
import { carryOut, OurConnection } from "../peer/our-connection.js";
import { Peers } from "../peer/peers.js";
import { reconcile } from "./reconcile.js";
import type { Script } from "./script.js";
import { writerScripts } from "./scripts.js";

const peers = new Peers();

export const writerKind: Kind<Script> = {
  name: "writer",
  scripts: writerScripts,
  program: `${packageRoot}/test/fuzz/writer/theirs.py`,
  run: ({ socket: family, limit, steps }) =>
    peers.with(family, async ({ socket, tell }) => {
      const connection = new OurConnection();
      connection.made(await openConnection({ sock: socket, limit }));
      return carryOut(steps, connection, tell);
    }),
  reconcile,
  concurrency: 4,
  show: (script) => `await assertSame(writerKind, ${JSON.stringify(script)});`,
  close: () => peers.close(),
};
