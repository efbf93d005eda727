/** The other ends of the connections under test: Python programs that do exactly what they are told. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { packageRoot } from "../../support/package-root.js";
import { needsPython } from "../../support/python.js";
import { PythonWorker } from "../python-worker.js";

const PROGRAM = `${packageRoot}/test/fuzz/peer/serve.py`;

/** One command to a peer: an operation, and what it takes. */
export interface Command {
  readonly op: string;
}

/** A connection, and its other end. */
export interface Connected {
  readonly socket: Socket;
  /** What came of `command`. */
  readonly tell: (command: Command) => Promise<unknown>;
}

/** Processes that are peers, each of one connection at a time. They are started when they are needed. */
export class Peers {
  readonly #idle: PythonWorker[] = [];
  #python: string | undefined;

  /** Connects over `family`, lets `use` do with it what it likes, and closes both ends. */
  async with<Result>(
    family: "tcp" | "unix",
    use: (connected: Connected) => Promise<Result>,
  ): Promise<Result> {
    const worker = this.#idle.pop() ?? new PythonWorker((this.#python ??= needsPython().command), PROGRAM);
    const tell = async (command: Command) => (await worker.ask([command]))[0];
    const address = await tell({ op: "open", socket: family } as Command);
    const where = typeof address === "string" ? { path: address } : toTcp(address as [string, number]);
    const socket = connect({ ...where, allowHalfOpen: true });
    try {
      await once(socket, "connect");
      await tell({ op: "accept", socket: family } as Command);
      return await use({ socket, tell });
    } finally {
      socket.destroy();
      await tell({ op: "dispose" });
      this.#idle.push(worker);
    }
  }

  /** Ends the processes; nothing may be under way. */
  async close(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((worker) => worker.close()));
  }
}

function toTcp([host, port]: [string, number]): { host: string; port: number } {
  return { host, port };
}
