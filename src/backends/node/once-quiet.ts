/** When the peer is gone, the bytes that it had sent before are still delivered. */
import { onNextTurn } from "./next-turn.js";

/** … no more of them than a receive buffer holds, */
const SALVAGE_UP_TO = 8_388_608;
/** … and none after that many turns of the event loop without any. */
const QUIET_TURNS = 3;

/** Calls `end` once nothing comes any more. `delivered`: how many bytes have come so far; `undefined` gives it up. */
export function onceQuiet(delivered: () => number | undefined, end: () => void): void {
  const atFailure = delivered() ?? 0;
  const watch = (before: number, quietTurns: number): void => {
    onNextTurn(() => {
      const now = delivered();
      if (now === undefined) return;
      const quiet = now === before ? quietTurns + 1 : 0;
      if (quiet > QUIET_TURNS || now - atFailure > SALVAGE_UP_TO) end();
      else watch(now, quiet);
    });
  };
  watch(atFailure, 0);
}
