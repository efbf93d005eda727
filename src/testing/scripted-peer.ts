/** A peer that plays a script, and the connection to it. */
import { checkOptions } from "../checks.js";
import type { Connection } from "../streams/connection.js";
import { checkPlayOptions, ScriptPlayer, type PlayScriptOptions } from "./play-script.js";
import { checkScript, type ScriptStep } from "./script.js";
import { connectEnds } from "./stream-pair.js";

/** What `scriptedPeer()` takes besides the script. */
export interface ScriptedPeerOptions extends PlayScriptOptions {
  /** How many bytes may lie unread between the ends, in each direction. Default 65 536. */
  readonly capacity?: number | undefined;
  /** The reader's limit, in bytes. Default 65 536. */
  readonly limit?: number | undefined;
}

/** A peer that plays a script, and the connection to it. */
export interface ScriptedPeer {
  /** For the code under test. */
  readonly connection: Connection;
  /**
   * Resolves when the script is through, and rejects with a ScriptError when it has failed. A test awaits it last: a
   * rejection that nobody awaits is not reported.
   */
  readonly done: Promise<void>;
}

/**
 * A connection to a peer that does what `script` says, and expects what it says:
 *
 * ```ts
 * const peer = scriptedPeer([{ send: "220 hi\r\n" }, { expect: "QUIT\r\n" }, { send: "221 bye\r\n" }, "close"]);
 * await quit(peer.connection);
 * await peer.done;
 * ```
 *
 * The script is through as `playScript()` says. When it fails, the connection is reset so that the code under test does not
 * hang: it gets what was sent before, then a ConnectionResetError that has the ScriptError as its `cause`.
 *
 * @throws TypeError or RangeError for a wrong script or wrong options
 */
export function scriptedPeer(script: readonly ScriptStep[], options?: ScriptedPeerOptions): ScriptedPeer {
  const { timeout, clock, capacity, limit } = checkOptions<ScriptedPeerOptions>("scriptedPeer()", options, [
    "timeout",
    "clock",
    "capacity",
    "limit",
  ]);
  const steps = checkScript(script);
  const playOptions = checkPlayOptions({ timeout, clock });
  const { ends, reset } = connectEnds("scriptedPeer()", { capacity, limit, clock });
  const done = new ScriptPlayer(ends[1], steps, playOptions, reset).run();
  done.catch(() => {});
  return { connection: ends[0], done };
}
