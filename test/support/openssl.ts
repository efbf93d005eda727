/** The command openssl, another implementation of TLS to talk to. */
import { spawnSync } from "node:child_process";
import { env } from "node:process";
import { runCommand, type Program } from "./processes.js";

type Cleanup = (undo: () => unknown) => void;

/**
 * Options for a `describe` that needs OpenSSL 1.1.1 or newer, and the command: `$OPENSSL`, or `openssl`. Without it the
 * tests are skipped, and say so; under `CI` they fail.
 */
export function needsOpenssl(): { command: string; options: { skip: string | false } } {
  const command = env["OPENSSL"] || "openssl";
  const { stdout } = spawnSync(command, ["version"], { encoding: "utf8" });
  const found = /^OpenSSL (1\.1\.1|[3-9]\.)/.test(stdout ?? "");
  if (!found && env["CI"]) throw new Error("OpenSSL 1.1.1 or newer was not found, and CI needs it");
  const skip = !found && "OpenSSL 1.1.1 or newer was not found: set OPENSSL to its command";
  return { command, options: { skip } };
}

/** Runs `openssl s_server` on a port that the system chooses. It sends each line back reversed, and ends upon CLOSE. */
export async function startOpensslServer(
  cleanup: Cleanup,
  command: string,
  args: readonly string[],
): Promise<{ program: Program; port: number }> {
  const program = runCommand(cleanup, command, ["s_server", "-accept", "127.0.0.1:0", "-rev", ...args]);
  for (;;) {
    const line = await program.nextLine();
    if (line === undefined) throw new Error((await program.finish()).errors);
    const port = /^ACCEPT .*:(\d+)$/.exec(line)?.[1];
    if (port !== undefined) return { program, port: Number(port) };
  }
}
