/** Pairs of transports with TLS on them. */
import { NO_BYTES, type TlsSettings } from "#src/transport/tls.js";
import type { StartableTransport } from "#src/transport/transport.js";
import type { MakeTransports as MakePair } from "../backends/conformance.js";
import type { Authority } from "./certificates.js";

/** How both ends are set, and which side the tested one takes. */
export interface TlsPairOptions extends Pick<TlsSettings, "side" | "truncation"> {
  readonly version?: "TLSv1.2" | "TLSv1.3";
}

/** As what `makePair` makes, but with TLS. The far end does not know truncation. */
export function withTls(
  makePair: MakePair,
  authority: Authority,
  { side, truncation, version = "TLSv1.3" }: TlsPairOptions,
): MakePair {
  const sides = {
    client: { ca: authority.cert, maxVersion: version },
    server: { ...authority.issue(), maxVersion: version },
  };
  const secured = (
    transport: StartableTransport,
    which: "client" | "server",
    how: TlsSettings["truncation"],
  ) =>
    transport.upgradeTls(
      {
        side: which,
        options: sides[which],
        secureContext: undefined,
        serverHostname: "localhost",
        handshakeTimeout: 60_000,
        shutdownTimeout: 30_000,
        truncation: how,
      },
      NO_BYTES,
      new AbortController().signal,
    );
  return async (cleanup) => {
    const { near, far, reset } = await makePair(cleanup);
    const otherSide = side === "client" ? "server" : "client";
    const [nearTls, farTls] = await Promise.all([
      secured(near, side, truncation),
      secured(far, otherSide, "ignore"),
    ]);
    return reset === undefined ? { near: nearTls, far: farTls } : { near: nearTls, far: farTls, reset };
  };
}
