/** What is known of a TLS connection, by the keys of `getExtraInfo`. */
import type { TLSSocket } from "node:tls";
import type { TlsExtraInfo } from "../../transport/transport.js";
import type { PreparedTls } from "../../transport/tls.js";

/** Looks at `socket` now, as it knows nothing any more after its end; only certificates are laid out when asked for. */
export function tlsInfo(socket: TLSSocket, { secureContext }: PreparedTls): (name: string) => unknown {
  const { name, standardName, version } = socket.getCipher();
  const certificate = peerCertificate(socket);
  const known: { readonly [Key in keyof TlsExtraInfo]: () => TlsExtraInfo[Key] | undefined } = {
    peercert: certificate,
    cipher: () => ({ name, standardName, version }),
    compression: () => undefined,
    sslcontext: () => secureContext,
    sslObject: () => socket,
    alpnProtocol: () => alpnProtocol,
    tlsVersion: () => tlsVersion,
    servername: () => servername,
    authorized: () => authorized,
    closeNotifyReceived: () => undefined,
  };
  const alpnProtocol = socket.alpnProtocol || undefined;
  const tlsVersion = socket.getProtocol() ?? undefined;
  const { servername: sni } = socket as { servername?: unknown };
  const servername = typeof sni === "string" && sni !== "" ? sni : undefined;
  const { authorized } = socket;
  return (key) => (Object.hasOwn(known, key) ? known[key as keyof TlsExtraInfo]() : undefined);
}

function peerCertificate(socket: TLSSocket): () => TlsExtraInfo["peercert"] | undefined {
  const certificate = socket.getPeerX509Certificate?.();
  if (certificate !== undefined) return () => certificate.toLegacyObject();
  const legacy = socket.getPeerCertificate();
  return () => (legacy && Object.keys(legacy).length > 0 ? legacy : undefined);
}
