/** CPython 3.13, whose asyncio is the reference. */
import { spawnSync } from "node:child_process";
import { env } from "node:process";

const WANTED = "3.13";

/**
 * Options for a `describe` that needs CPython 3.13, and the command. It is looked for as `$ASYNCIO_PYTHON`, as
 * `python3.13`, and among the versions of pyenv. Without it the tests are skipped, and say so; under `CI` they fail.
 */
export function needsPython(): { command: string; options: { skip: string | false } } {
  const command = [env["ASYNCIO_PYTHON"], "python3.13", fromPyenv()].find(isWanted);
  if (command === undefined && env["CI"]) throw new Error(`CPython ${WANTED} was not found, and CI needs it`);
  const skip = command === undefined && `CPython ${WANTED} was not found: set ASYNCIO_PYTHON to its command`;
  return { command: command ?? "", options: { skip } };
}

function isWanted(command: string | undefined): command is string {
  if (!command) return false;
  return run(command, ["-c", "import sys; print('%d.%d' % sys.version_info[:2])"]) === WANTED;
}

function fromPyenv(): string | undefined {
  const versions = run("pyenv", ["versions", "--bare"])?.split("\n") ?? [];
  const version = versions.find((name) => name.startsWith(`${WANTED}.`));
  const prefix = version && run("pyenv", ["prefix", version]);
  return prefix && `${prefix}/bin/python3`;
}

function run(command: string, args: string[]): string | undefined {
  const { status, stdout } = spawnSync(command, args, { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}
