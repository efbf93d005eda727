/** A port at which a connection neither succeeds nor fails. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { isBun } from "./runtime.js";

/** The backlog of its listener, which Bun sets itself. */
const BACKLOG = isBun ? 512 : 1;
/** Linux completes one connection more than that for a listener that does not accept. */
const FILLING = BACKLOG + 1;

/** A port of 127.0.0.1 whose listener has a full backlog, so that connecting to it hangs. Freed after the running test. */
export async function hangingPort(cleanup: (undo: () => unknown) => void): Promise<number> {
  const listener = fork(new URL("hanging-listener-process.js", import.meta.url), { execArgv: [] });
  cleanup(async () => {
    listener.kill("SIGKILL");
    if (listener.exitCode === null && listener.signalCode === null) await once(listener, "exit");
  });
  const [port] = (await once(listener, "message")) as [number];
  for (let filled = 0; filled < FILLING; filled++) {
    const filler = connect(port, "127.0.0.1").on("error", () => {});
    cleanup(() => filler.destroy());
    await once(filler, "connect");
  }
  return port;
}
