/** Programs that a test runs beside itself. */
import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { packageRoot } from "./package-root.js";

export interface Program {
  readonly child: ChildProcess;
  /** The next line that it prints; `undefined` when it prints no more. */
  nextLine(): Promise<string | undefined>;
  /** Closes its input, and waits for its end. */
  finish(): Promise<{
    readonly lines: readonly string[];
    readonly errors: string;
    readonly status: number | null;
  }>;
}

export interface ProgramOptions {
  /** Handed down as descriptor 3. */
  readonly descriptor?: number;
  /** The most descriptors that it may have. */
  readonly descriptors?: number;
  /** Variables besides those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs a compiled file of build/, such as "examples/demo.js". It is ended with the running test at the latest. */
export function runProgram(
  cleanup: (undo: () => unknown) => void,
  file: string,
  args: readonly string[] = [],
  { descriptor, descriptors, environment }: ProgramOptions = {},
): Program {
  const stdio: StdioOptions = ["pipe", "pipe", "pipe", ...(descriptor === undefined ? [] : [descriptor])];
  const env = { ...process.env, ...environment };
  const command = [process.execPath, `${packageRoot}/build/${file}`, ...args];
  const child =
    descriptors === undefined
      ? spawn(command[0]!, command.slice(1), { stdio, env })
      : spawn("sh", ["-c", `ulimit -n ${descriptors} && exec "$@"`, "sh", ...command], {
          stdio,
          env,
        });
  const ended = once(child, "close");
  cleanup(() => {
    child.kill("SIGKILL");
    return ended;
  });
  let errors = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const lines = createInterface(child.stdout as Readable)[Symbol.asyncIterator]();
  const nextLine = async () => (await lines.next()).value as string | undefined;
  return {
    child,
    nextLine,
    async finish() {
      child.stdin!.end();
      const rest: string[] = [];
      for (let line = await nextLine(); line !== undefined; line = await nextLine()) rest.push(line);
      await ended;
      return { lines: rest, errors, status: child.exitCode };
    },
  };
}
