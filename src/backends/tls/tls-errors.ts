/** Errors as node:tls raises them, made into the classes of errors.ts. */
import { CertificateError, ConnectionResetError, OSError, TlsError } from "../../errors.js";
import { fromSystemError } from "../node/system-errors.js";

/** OpenSSL's names for what is wrong with a certificate, and Node.js's for a wrong name in it. */
const CERTIFICATE_CODE =
  /^(ERR_TLS_CERT_|CERT_|CRL_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|ERROR_IN_CERT_|ERROR_IN_CRL_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|HOSTNAME_MISMATCH)/;

/** OpenSSL's names for what Node.js calls `UNSPECIFIED`, by what it says of them. */
const UNNAMED: Readonly<Record<string, string>> = {
  "key usage does not include certificate signing": "KEYUSAGE_NO_CERTSIGN",
  "unhandled critical extension": "UNHANDLED_CRITICAL_EXTENSION",
  "permitted subtree violation": "PERMITTED_VIOLATION",
  "excluded subtree violation": "EXCLUDED_VIOLATION",
  "EE certificate key too weak": "EE_KEY_TOO_SMALL",
  "CA certificate key too weak": "CA_KEY_TOO_SMALL",
  "CA signature digest algorithm too weak": "CA_MD_TOO_WEAK",
};

/** What is wrong with a certificate. */
export function certificateCode(
  problem: Error & { code?: string },
  fallback: string = problem.message,
): string {
  return UNNAMED[problem.message] ?? problem.code ?? fallback;
}

export function fromTlsError(error: unknown): Error {
  if (error instanceof OSError) return error;
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string")
    return fromSystemError(error);
  const { code } = error;
  const message = error.message.trim();
  if (CERTIFICATE_CODE.test(code)) return new CertificateError(message, { code, cause: error });
  if (/^(ERR_SSL_|ERR_TLS_|EPROTO$)/.test(code)) return new TlsError(message, { code, cause: error });
  // Bun's "socket hang up", which names no system call.
  if (code === "ECONNRESET" && !("syscall" in error))
    return new ConnectionResetError(message, { code, cause: error });
  return fromSystemError(error);
}
