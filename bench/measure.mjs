// One measurement: a program on one core, the load on the other, and what the kernel has accounted to the program.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";

const PROGRAM_CORE = 1;
const LOAD_CORE = 0;
/** In ms: what hangs is ended. */
const PATIENCE = 180_000;

const canPin = process.platform === "linux" && availableParallelism() > 1;

/** Where it is not possible the figures are of less use. */
export const pinning = canPin
  ? `the program on core ${PROGRAM_CORE}, the load on core ${LOAD_CORE}`
  : "program and load share the cores";

function start(core, [command, ...args], options) {
  return canPin
    ? spawn("taskset", ["-c", String(core), command, ...args], options)
    : spawn(command, args, options);
}

/**
 * Runs `command` with `role` under the load that `loadArguments` describe, and gives `{ operations, seconds, user, system,
 * peakMemory, memoryEach }`: CPU in seconds, memory in bytes.
 */
export async function measure({ command, style, environment }, role, load, loadArguments) {
  const loading = start(LOAD_CORE, [load, ...loadArguments], { stdio: ["pipe", "pipe", "inherit"] });
  const said = createInterface({ input: loading.stdout })[Symbol.asyncIterator]();
  const isClient = ["serve", "relay"].includes(loadArguments[0]);
  const loadPort = isClient ? (await said.next()).value : "0";
  const program = start(PROGRAM_CORE, [...command, role, loadPort, ...(style === undefined ? [] : [style])], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...environment },
  });
  let complaint = "";
  program.stderr.setEncoding("utf8").on("data", (text) => (complaint += text));
  const patience = setTimeout(() => loading.kill("SIGKILL"), PATIENCE);
  try {
    const port = (await createInterface({ input: program.stdout })[Symbol.asyncIterator]().next()).value;
    if (port === undefined) throw new Error(`did not start: ${complaint.slice(0, 500)}`);
    loading.stdin.end(`${program.pid} ${port}\n`);
    const { value: figures } = await said.next();
    if (figures === undefined) throw new Error(`failed under the load. ${complaint.slice(0, 500)}`);
    const result = JSON.parse(figures);
    if (result.operations === 0)
      throw new Error(`did nothing in ${result.seconds} s. ${complaint.slice(0, 500)}`);
    return result;
  } finally {
    clearTimeout(patience);
    await Promise.all([end(loading), end(program)]);
  }
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}
