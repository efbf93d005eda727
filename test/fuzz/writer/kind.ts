/** Scripts of operations on real connections, whose other end does what the script says. */
import { openConnection, type Connection } from "asyncio-streams";
import { packageRoot } from "../../support/package-root.js";
import type { Kind } from "../kind.js";
import { makeFolder, removeFolder } from "../peer/folder.js";
import { carryOut, OurConnection } from "../peer/our-connection.js";
import { Peers } from "../peer/peers.js";
import { reconcile } from "./reconcile.js";
import type { Script } from "./script.js";
import { writerScripts } from "./scripts.js";
import type { Socket } from "node:net";

const peers = new Peers();

/** As `run` of the kind, on a connection that `open` makes of the socket. */
export function runWriter(
  { socket: family, limit, steps }: Script,
  open: (options: { sock: Socket; limit: number }) => Promise<Connection>,
): Promise<unknown[]> {
  return peers.with(family, async ({ socket, tell }) => {
    const connection = new OurConnection();
    connection.made(await open({ sock: socket, limit }));
    return carryOut(steps, connection, tell);
  });
}

export const writerKind: Kind<Script> = {
  name: "writer",
  scripts: writerScripts,
  program: `${packageRoot}/test/fuzz/writer/theirs.py`,
  run: (script) => runWriter(script, openConnection),
  reconcile,
  concurrency: 4,
  show: (script) => `it("does as asyncio does", () => assertSame(writerKind, ${JSON.stringify(script)}));`,
  async open() {
    await makeFolder();
  },
  async close() {
    await peers.close();
    await removeFolder();
  },
};
