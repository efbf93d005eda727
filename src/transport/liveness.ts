/** How a connection is watched for a peer that has gone, or has stopped; as plain data, and the rules for it. */
import { checkInteger, checkOptions, checkTimeout, isGiven } from "../checks.js";
import type { Clock } from "../waiting/clock.js";

/** Each is off unless it is given. They go on through `startTls()`, and count once the connection stands. */
export interface LivenessOptions {
  /**
   * TCP keepalive: the system asks a silent peer whether it is there. In ms, at least 1 000, how long before the first
   * probe, of which whole seconds count; `true` leaves that to the system. No effect on Unix sockets.
   */
  readonly keepAlive?: boolean | number | undefined;
  /**
   * After so many ms without a byte received the connection is aborted, and lost with an IdleTimeoutError. It does not
   * count while reading is paused, as by a full reader, nor once the peer has ended its direction or `close()` was called.
   */
  readonly idle?: number | undefined;
  /**
   * After so many ms in which none of what is buffered for writing was taken the connection is aborted, and lost with a
   * WriteStallError; at the latest a quarter of that time later. It counts during `close()` too, and not while nothing is
   * buffered: what the kernel has taken is its own affair, for which there is `keepAlive`.
   */
  readonly writeStall?: number | undefined;
}

/** … checked, and the clock that the limits go by. */
export interface Liveness extends LivenessOptions {
  readonly clock: Clock;
}

const NAMES = ["keepAlive", "idle", "writeStall"] as const;

/** What Linux takes as TCP_KEEPIDLE, in ms. */
const KEEP_ALIVE_RANGE = [1_000, 32_767_000] as const;

/** `undefined` if nothing is to be watched. @throws TypeError or RangeError for wrong options */
export function checkLiveness(value: unknown, clock: Clock): Liveness | undefined {
  if (!isGiven(value)) return undefined;
  const { keepAlive, idle, writeStall } = checkOptions<LivenessOptions>("liveness", value, NAMES);
  if (keepAlive !== undefined && typeof keepAlive !== "boolean")
    checkInteger("liveness.keepAlive", keepAlive, ...KEEP_ALIVE_RANGE);
  if (idle !== undefined) checkTimeout("liveness.idle", idle);
  if (writeStall !== undefined) checkTimeout("liveness.writeStall", writeStall);
  return { keepAlive, idle, writeStall, clock };
}
