/** The TLS options of the functions that connect and serve. They are checked; TLS itself is not there yet. */
import { kindOf } from "./describe.js";
import { NotImplementedError } from "./errors.js";

/** Not supported yet: with `ssl` every function rejects with NotImplementedError. */
export interface TlsRelatedOptions {
  readonly ssl?: boolean | object | undefined;
  readonly serverHostname?: string | undefined;
  /** In ms. */
  readonly sslHandshakeTimeout?: number | undefined;
  /** In ms. */
  readonly sslShutdownTimeout?: number | undefined;
}

const ONLY_WITH_TLS = ["serverHostname", "sslHandshakeTimeout", "sslShutdownTimeout"] as const;
export const TLS_OPTION_NAMES: readonly (keyof TlsRelatedOptions)[] = ["ssl", ...ONLY_WITH_TLS];

/** @throws TypeError for what makes sense with TLS only; NotImplementedError for TLS */
export function checkTlsOptions(options: TlsRelatedOptions): void {
  const { ssl } = options;
  if (ssl === undefined || ssl === null || ssl === false) {
    for (const name of ONLY_WITH_TLS) {
      if (options[name] !== undefined) throw new TypeError(`${name} is only meaningful with ssl`);
    }
    return;
  }
  if (ssl !== true && typeof ssl !== "object")
    throw new TypeError(`ssl must be true or TLS options, not ${kindOf(ssl)}`);
  throw new NotImplementedError("ssl is not supported yet");
}
