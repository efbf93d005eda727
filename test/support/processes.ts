/** Programs that a test runs beside itself. */
import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import { env } from "node:process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { packageRoot } from "./package-root.js";

type Cleanup = (undo: () => unknown) => void;

export interface Program {
  readonly child: ChildProcess;
  /** Hands it a line, or several. */
  say(text: string): void;
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
  /** Handed down as descriptor 3; several, from 3 on. */
  readonly descriptor?: number | readonly number[];
  /** The most descriptors that it may have. */
  readonly descriptors?: number;
  /** Variables of its environment, besides those of this process. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** Runs a compiled file of build/, such as "examples/demo.js". It is ended with the running test at the latest. */
export function runProgram(
  cleanup: Cleanup,
  file: string,
  args: readonly string[] = [],
  options?: ProgramOptions,
): Program {
  return runCommand(cleanup, process.execPath, [`${packageRoot}/build/${file}`, ...args], options);
}

/** As `runProgram`, for any command. */
export function runCommand(
  cleanup: Cleanup,
  command: string,
  args: readonly string[],
  { descriptor = [], descriptors, variables }: ProgramOptions = {},
): Program {
  const stdio: StdioOptions = ["pipe", "pipe", "pipe", ...[descriptor].flat()];
  const options = { stdio, env: { ...env, ...variables } };
  const child =
    descriptors === undefined
      ? spawn(command, args, options)
      : spawn("sh", ["-c", `ulimit -n ${descriptors} && exec "$@"`, "sh", command, ...args], options);
  const ended = once(child, "close");
  cleanup(() => {
    child.kill("SIGKILL");
    return ended;
  });
  // It may have ended before all is said.
  child.stdin!.on("error", () => {});
  let errors = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const lines = createInterface(child.stdout as Readable)[Symbol.asyncIterator]();
  const nextLine = async () => (await lines.next()).value as string | undefined;
  return {
    child,
    say: (text) => void child.stdin!.write(`${text}\n`),
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
