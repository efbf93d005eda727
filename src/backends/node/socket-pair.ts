/** Two sockets of node:net that are connected with each other, in one process. */
import { createServer, Socket } from "node:net";
import { join } from "node:path";
import { NotImplementedError, OSError } from "../../errors.js";
import { nodeBackend } from "./backend.js";
import { fs, os } from "./builtins.js";
import { isBun } from "./runtime.js";
import { fromSystemError } from "./system-errors.js";

/**
 * A pair of connected Unix sockets, as Python's `socket.socketpair()`. Not on Windows.
 *
 * No runtime has that call, so one of them connects to the other through a listener that lives for this one connection,
 * in a folder made for it that only the user of this process can enter: nobody else can come in between. Both sockets
 * allow half-open connections, and nothing of listener or folder is left.
 *
 * @throws OSError if the system has no more descriptors, or no temporary folder
 */
export async function socketPair(): Promise<[Socket, Socket]> {
  const refusal = nodeBackend.whyNot("unix");
  if (refusal !== undefined) throw new NotImplementedError(refusal);
  const { mkdtemp, rmdir } = fs().promises;
  const folder = await mkdtemp(join(os().tmpdir(), "pair-")).catch((error: unknown) => {
    throw fromSystemError(error);
  });
  try {
    return await connectThrough(join(folder, "s"));
  } finally {
    await rmdir(folder);
  }
}

/** Far more turns of the event loop than it takes to accept a connection that is there. */
const MOST_TURNS = 100;

/**
 * The listener removes its file when it closes. Without a descriptor for its end Node.js closes the client's, and Bun leaves it
 * waiting.
 */
function connectThrough(path: string): Promise<[Socket, Socket]> {
  return new Promise((resolve, reject) => {
    const listener = createServer({ allowHalfOpen: true });
    const client = new Socket({ allowHalfOpen: true });
    let accepted: Socket | undefined;
    const fail = (error: Error) => {
      client.destroy();
      listener.close();
      reject(fromSystemError(lacksDescriptors(error) ? outOfDescriptors("socket") : error));
    };
    const onEnd = () => fail(outOfDescriptors("accept"));
    const giveUpAfter = (turns: number): void => {
      if (accepted !== undefined || client.destroyed) return;
      if (turns === 0) onEnd();
      else setImmediate(giveUpAfter, turns - 1);
    };
    const settle = () => {
      if (accepted === undefined || client.connecting) return;
      client.off("error", fail).off("end", onEnd);
      resolve([client, accepted]);
    };
    listener.once("error", fail);
    client.once("error", fail).once("end", onEnd).once("connect", settle);
    client.once("connect", () => giveUpAfter(MOST_TURNS));
    listener.once("connection", (socket) => {
      listener.close();
      accepted = socket;
      settle();
    });
    listener.listen({ path, backlog: 1 }, () => client.connect({ path }));
  });
}

/** Bun names no code for it when it listens, and when it connects that of a refusal, which cannot be: the listener is there. */
function lacksDescriptors({ code }: NodeJS.ErrnoException): boolean {
  return isBun && (code === undefined || code === "ECONNREFUSED");
}

function outOfDescriptors(syscall: string): OSError {
  return new OSError("too many open files", { code: "EMFILE", syscall });
}
