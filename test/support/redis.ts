/** Redis, to talk to: its server, its command line and its benchmark. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { env } from "node:process";
import { temporaryFolder } from "./folders.js";
import { runCommand } from "./processes.js";

type Cleanup = (undo: () => unknown) => void;

/** The program that is not installed. */
export function missingProgram(...programs: readonly string[]): string | undefined {
  return programs.find((program) => spawnSync(program, ["--version"]).status !== 0);
}

/** Options for a `describe` that needs Redis. Without it the tests are skipped, and say so; under `CI` they fail. */
export function needsRedis(): { skip: string | false } {
  const missing = missingProgram("redis-server", "redis-cli", "redis-benchmark");
  if (missing !== undefined && env["CI"]) throw new Error(`${missing} was not found, and CI needs it`);
  return { skip: missing !== undefined && `${missing} was not found: install Redis` };
}

/** Runs a redis-server of its own that keeps nothing; the path of its socket, once it accepts connections. */
export async function startRedisServer(cleanup: Cleanup): Promise<string> {
  const folder = await temporaryFolder(cleanup);
  const path = join(folder, "redis.sock");
  const where = ["--port", "0", "--unixsocket", path, "--dir", folder];
  const program = runCommand(cleanup, "redis-server", [...where, "--save", "", "--appendonly", "no"]);
  for (;;) {
    const line = await program.nextLine();
    if (line === undefined) throw new Error(`redis-server did not start: ${(await program.finish()).errors}`);
    if (/ready to accept connections/i.test(line)) return path;
  }
}
