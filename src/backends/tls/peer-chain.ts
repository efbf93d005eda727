/**
 * Whether the certificates of a peer lead to an authority, signature by signature. node:tls knows that by itself, but for Deno:
 * there the names of the issuers are enough for it where a certificate is of an old version, or not quite well-formed.
 */
import type { X509Certificate } from "node:crypto";
import * as tls from "node:tls";
import { CertificateError } from "../../errors.js";
import { crypto } from "../node/builtins.js";

/** More certificates than a chain has. */
const LONGEST = 12;

/** What is wrong with the certificate itself: there may be none, or one whose key the engine does not ask for. */
export function leafProblem(socket: tls.TLSSocket): CertificateError | undefined {
  const [leaf] = shownBy(socket);
  if (leaf === undefined) return problem("UNABLE_TO_GET_ISSUER_CERT", "The peer has shown no certificate");
  if (isVersion3(leaf)) return undefined;
  return problem("CERT_SIGNATURE_FAILURE", "The certificate of the peer is not of X.509 version 3");
}

/** What is wrong with the chain that the peer of `socket` has shown; it is checked beside all that the engine checks. */
export function chainProblem(
  socket: tls.TLSSocket,
  secureContext: tls.SecureContext,
): CertificateError | undefined {
  const [leaf, ...others] = shownBy(socket);
  if (leaf === undefined || !isVersion3(leaf)) return leafProblem(socket);
  if (leadsToOne(authoritiesOf(secureContext), leaf, others)) return undefined;
  return problem(
    "CERT_SIGNATURE_FAILURE",
    "No authority that is trusted, in `ca` or by default, has signed the certificate of the peer",
  );
}

function problem(code: string, message: string): CertificateError {
  return new CertificateError(message, { code, cause: undefined });
}

/** Its own certificate first. */
function shownBy(socket: tls.TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let shown: tls.DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (shown?.raw !== undefined && chain.length < LONGEST) {
    chain.push(new (crypto().X509Certificate)(shown.raw));
    shown = shown.issuerCertificate === shown ? undefined : shown.issuerCertificate;
  }
  return chain;
}

function authoritiesOf(secureContext: tls.SecureContext): X509Certificate[] {
  const { ca } = (secureContext.context ?? {}) as { ca?: string | readonly string[] };
  const given = ca === undefined ? defaultAuthorities() : [ca].flat();
  const pems = given.flatMap((text) => text.match(/-----BEGIN [^-]*-----[^-]*-----END [^-]*-----/g) ?? []);
  return pems.map((pem) => new (crypto().X509Certificate)(pem));
}

function defaultAuthorities(): readonly string[] {
  const { getCACertificates, rootCertificates } = tls as typeof tls & {
    getCACertificates?: (type: "default") => readonly string[];
  };
  return getCACertificates?.("default") ?? rootCertificates;
}

function leadsToOne(
  authorities: readonly X509Certificate[],
  certificate: X509Certificate,
  others: readonly X509Certificate[],
): boolean {
  if (authorities.some((authority) => authority.raw.equals(certificate.raw))) return true;
  if (!isVersion3(certificate)) return false;
  if (authorities.some((authority) => hasSigned(authority, certificate))) return true;
  return others.some((issuer) => {
    if (!issuer.ca || !hasSigned(issuer, certificate)) return false;
    return leadsToOne(
      authorities,
      issuer,
      others.filter((other) => other !== issuer),
    );
  });
}

function hasSigned(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** SEQUENCE, SEQUENCE, then `[0] INTEGER 2`: older versions do not say whether a certificate may sign others. */
function isVersion3({ raw }: X509Certificate): boolean {
  const start = contentAt(raw, contentAt(raw, 0));
  return raw.subarray(start, start + 5).equals(Buffer.from([0xa0, 3, 2, 1, 2]));
}

/** Where the content of the DER value at `start` begins. */
function contentAt(der: Uint8Array, start: number): number {
  const length = der[start + 1] ?? 0;
  return start + 2 + (length < 0x80 ? 0 : length & 0x7f);
}
