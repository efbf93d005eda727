/** The TLS options of the functions that connect and serve: their rules, and what they come to. */
import { prepareTls } from "./backends/tls/handshake.js";
import { isGiven } from "./checks.js";
import {
  checkServerHostname,
  checkTlsSettings,
  type TlsLayerOptions,
  type TlsOptions,
  type TlsSettings,
} from "./transport/tls.js";

export interface ClientTlsOptions extends TlsLayerOptions {
  /** TLS with these options of `node:tls`; `true` for the defaults. The peer's certificate is verified. */
  readonly ssl?: boolean | TlsOptions | undefined;
  /**
   * The name, or address, that the peer's certificate must have, and the name asked for by SNI. Default: `servername` of `ssl`, or the host. `""`
   * asks for none and accepts a certificate of any host, as long as it is trusted: whoever has one can pose as the peer.
   */
  readonly serverHostname?: string | undefined;
}

export interface ServerTlsOptions extends TlsLayerOptions {
  /** TLS with these options of `node:tls`. They become one context, which all connections share. */
  readonly ssl?: TlsOptions | undefined;
}

const LAYER_OPTIONS = ["sslHandshakeTimeout", "sslShutdownTimeout", "truncation"] as const;
export const SERVER_TLS_OPTIONS: readonly (keyof ServerTlsOptions)[] = ["ssl", ...LAYER_OPTIONS];
/** In the order in which CPython looks at them. */
export const CLIENT_TLS_OPTIONS: readonly (keyof ClientTlsOptions)[] = [
  "ssl",
  "serverHostname",
  ...LAYER_OPTIONS,
];

/**
 * The settings of a client, or `undefined` for a plain connection. `host` is the default of `serverHostname`;
 * `whenMissing` says that there is neither.
 *
 * @throws TypeError for what makes sense with TLS only, and for options that node:tls refuses
 */
export function clientTls(
  options: ClientTlsOptions,
  host: string | undefined,
  whenMissing: string,
): TlsSettings | undefined {
  const { ssl } = options;
  if (isOff(ssl)) return refuseStrays(options, CLIENT_TLS_OPTIONS);
  const settings = checkTlsSettings("ssl", ssl, "client", "", options);
  const { serverHostname = settings.options.servername ?? host } = options;
  if (serverHostname === undefined) throw new TypeError(whenMissing);
  return prepareTls({ ...settings, serverHostname: checkServerHostname(serverHostname) });
}

/** The settings of a server, or `undefined` for plain connections. */
export function serverTls(options: ServerTlsOptions): TlsSettings | undefined {
  if (typeof options.ssl === "boolean") throw new TypeError("ssl argument must be TLS options or undefined");
  if (isOff(options.ssl)) return refuseStrays(options, SERVER_TLS_OPTIONS);
  return prepareTls(checkTlsSettings("ssl", options.ssl, "server", "", options));
}

function isOff(ssl: unknown): boolean {
  return !isGiven(ssl) || ssl === false;
}

function refuseStrays(options: ClientTlsOptions, names: readonly (keyof ClientTlsOptions)[]): undefined {
  for (const name of names) {
    if (name !== "ssl" && options[name] !== undefined)
      throw new TypeError(`${name} is only meaningful with ssl`);
  }
}
