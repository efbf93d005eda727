/** What both sides of a comparison say in different words, made the same. */
import { SELF_SIGNED } from "../../support/runtime.js";

export type Use = (difference: string) => void;

/** Ours, in the words of Python. */
export function sameWords(ours: unknown, theirs: unknown, used: Use): [unknown, unknown] {
  if (ours === "aborted" && theirs === "cancelled") {
    used("abort-reason");
    return [theirs, theirs];
  }
  if (nameOf(ours) === "" || nameOf(theirs) === "") return [ours, theirs];
  const [kind, name, ...rest] = ours as unknown[];
  const [, theirActualName] = theirs as unknown[];
  if (TLS_ERRORS.get(String(name))?.includes(String(theirActualName)) && isSameReason(rest[0], theirs)) {
    used("tls-errors");
    return [theirs, theirs];
  }
  const theirName = CLASSES.get(String(name)) ?? name;
  if (theirName !== name) used("error-classes");
  if (theirName === "TypeError" && nameOf(theirs) === "TypeError" && !isSame(ours, theirs)) {
    used("type-error-message");
    return [theirs, theirs];
  }
  const words = rest.map((part) => (typeof part === "string" ? inSnakeCase(part) : part));
  if (!isSame(words, rest)) used("method-names");
  return [[kind, theirName, ...words], theirs];
}

const CLASSES: ReadonlyMap<string, string> = new Map([
  ["InvalidStateError", "RuntimeError"],
  ["RangeError", "ValueError"],
]);

const TLS_ERRORS: ReadonlyMap<string, readonly string[]> = new Map([
  ["TlsError", ["SSLError"]],
  ["CertificateError", ["SSLCertVerificationError"]],
  ["TlsHandshakeTimeoutError", ["ConnectionAbortedError"]],
  ["TlsShutdownTimeoutError", ["TimeoutError"]],
  // asyncio raises it without a message when the peer ends during a handshake.
  ["ConnectionResetError", ["ConnectionResetError"]],
]);

/** Numbers of OpenSSL for what is wrong with a certificate, as Node.js names them. */
const VERIFY_CODES: ReadonlyMap<unknown, string> = new Map([
  [18, SELF_SIGNED],
  [62, "ERR_TLS_CERT_ALTNAME_INVALID"],
]);

/** Whether a code of Node.js, or a message of this library, says what asyncio does. */
function isSameReason(reason: unknown, theirs: unknown): boolean {
  const [, name, theirReason] = theirs as [string, string, unknown];
  if (name === "SSLCertVerificationError") return VERIFY_CODES.get(theirReason) === reason;
  if (name === "SSLError")
    return alertOf(String(reason).replace("ERR_SSL_", "")) === alertOf(String(theirReason));
  if (name === "ConnectionResetError")
    return /^(ECONNRESET)?$/.test(String(theirReason)) && isInHandshake(reason);
  return (
    /TLS (handshake|shutdown)/.test(String(reason)) && /SSL (handshake|shutdown)/.test(String(theirReason))
  );
}

/** The runtime may take a reset that comes before the client's first bytes for an end. */
function isInHandshake(reason: unknown): boolean {
  return /^The peer ended the connection during the TLS handshake$/.test(String(reason));
}

/** Versions of OpenSSL name the same alert after different versions of the protocol. */
function alertOf(reason: string): string {
  return reason.replace(/^(SSLV3|SSL\/TLS|TLSV1|TLSV13)_ALERT_/, "ALERT_");
}

function inSnakeCase(message: string): string {
  return message
    .replace("writeEof()", "write_eof()")
    .replace("writeLines()", "writelines()")
    .replace("readExactly()", "readexactly()");
}

/** Whether a read has given the right bytes. */
export function isRightRead(step: unknown): boolean {
  if (!Array.isArray(step) || step[0] !== "ok") return false;
  return isSame((step as [string, unknown[]])[1].slice(1), [true]);
}

/** The class of an error; "" if it is none. */
export function nameOf(step: unknown): string {
  return Array.isArray(step) && step[0] === "error" ? String(step[1]) : "";
}

export function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
