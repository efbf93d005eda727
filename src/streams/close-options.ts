/** What `close()` is told, and the rule for it. */
import { checkOptions, checkTimeout } from "../checks.js";

/** What `close()` takes. */
export interface CloseOptions {
  /**
   * After so many ms the connection is aborted, and what has not been sent is dropped. `waitClosed()` resolves then, as
   * after `abort()`. Called again, the earlier limit holds. Default: no limit.
   */
  readonly timeout?: number | undefined;
}

export function checkCloseOptions(options: CloseOptions | undefined): CloseOptions {
  const given = checkOptions<CloseOptions>("close()", options, ["timeout"]);
  if (given.timeout !== undefined) checkTimeout("timeout", given.timeout);
  return given;
}
