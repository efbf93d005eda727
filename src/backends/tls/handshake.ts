/** The handshake of node:tls, over a socket or a Duplex, for both sides. */
import { randomBytes } from "node:crypto";
import process from "node:process";
import type { Duplex } from "node:stream";
import { connect, createSecureContext, TLSSocket, type SecureContext } from "node:tls";
import {
  CertificateError,
  ConnectionResetError,
  NotImplementedError,
  TlsHandshakeTimeoutError,
} from "../../errors.js";
import type { Clock } from "../../waiting/clock.js";
import type { PreparedTls, TlsOptions, TlsSettings } from "../../transport/tls.js";
import { expecting } from "./server-identity.js";
import { certificateCode, fromTlsError } from "./tls-errors.js";

/** `settings` with a context, which many connections can share. @throws what node:tls says of wrong certificates, keys and ciphers */
export function prepareTls(settings: TlsSettings): PreparedTls {
  const { secureContext = makeSecureContext(settings.options, settings.side) } = settings;
  return { ...settings, secureContext };
}

function makeSecureContext(options: TlsOptions, side: "client" | "server"): SecureContext {
  if (options.secureContext !== undefined) return options.secureContext;
  if (options.crl !== undefined && process.versions["deno"] !== undefined) {
    throw new NotImplementedError("crl has no effect on Deno, which would trust revoked certificates");
  }
  if (side === "client") return createSecureContext(options);
  return createSecureContext({
    honorCipherOrder: true,
    // Sessions of clients that show a certificate can be resumed only under a name for what they are valid for.
    sessionIdContext: randomBytes(16).toString("hex"),
    ...options,
  });
}

/**
 * Resolves when the handshake is done and the peer is verified, with what `wrap` makes of the socket at that moment. Else
 * `lower` is destroyed, and the rejection says why.
 */
export function handshake<Result>(
  lower: Duplex,
  settings: PreparedTls,
  clock: Clock,
  signal: AbortSignal,
  wrap: (socket: TLSSocket) => Result,
): Promise<Result> {
  const { side, handshakeTimeout } = settings;
  return new Promise((resolve, reject) => {
    const socket = makeSocket(lower, settings);
    let isSettled = false;
    const fail = (error: unknown) => {
      if (isSettled) return;
      settle();
      socket.on("error", () => {});
      socket.destroy();
      lower.destroy();
      reject(error);
    };
    const onError = (error: Error) => fail(handshakeError(socket, error));
    const onEnd = () =>
      fail(new ConnectionResetError("The peer ended the connection during the TLS handshake"));
    // The peer's last words, such as an alert, come first.
    const onChannelEnd = () => void setImmediate(() => setImmediate(onEnd));
    const onAbort = () => fail(signal.reason);
    const onSecure = () => {
      const problem = side === "server" ? clientProblem(socket, settings.options) : undefined;
      if (problem !== undefined) return fail(problem);
      settle();
      endOnError(socket);
      resolve(wrap(socket));
    };
    const cancelTimer = clock.setTimer(handshakeTimeout, () =>
      fail(new TlsHandshakeTimeoutError(handshakeTimeout)),
    );
    const settle = () => {
      isSettled = true;
      cancelTimer();
      lower.off("end", onEnd).off("channelEnd", onChannelEnd);
      signal.removeEventListener("abort", onAbort);
      socket.off("error", onError).off("_tlsError", onError).off("end", onEnd).off("close", onEnd);
      socket.off("secureConnect", onSecure).off("secure", onSecure);
    };
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort);
    lower.on("end", onEnd).on("channelEnd", onChannelEnd);
    // A server's own TLSSocket tells of errors by an event of its own.
    socket.on("error", onError).on("_tlsError", onError).on("end", onEnd).on("close", onEnd);
    // On a client "secure" comes before the peer is verified.
    socket.on(side === "client" ? "secureConnect" : "secure", onSecure);
  });
}

/**
 * Nothing good can follow an alert or a broken record, but node:tls only tells of it, and an end that follows would pass
 * for the peer's. A server's own TLSSocket tells by an event of its own.
 */
function endOnError(socket: TLSSocket): void {
  const end = (error: Error) => void socket.destroy(error);
  socket.on("error", end).on("_tlsError", end);
}

/** @throws what node:tls says of wrong options; `lower` is destroyed then */
function makeSocket(lower: Duplex, settings: PreparedTls): TLSSocket {
  try {
    return settings.side === "client" ? clientSocket(lower, settings) : serverSocket(lower, settings);
  } catch (error) {
    lower.destroy();
    throw error;
  }
}

function clientSocket(lower: Duplex, { options, secureContext, serverHostname }: PreparedTls): TLSSocket {
  return connect({ ...expecting(options, serverHostname), secureContext, socket: lower });
}

function serverSocket(lower: Duplex, { options, secureContext }: PreparedTls): TLSSocket {
  return new TLSSocket(lower, {
    ...options,
    secureContext,
    isServer: true,
    requestCert: options.requestCert === true,
    rejectUnauthorized: options.rejectUnauthorized !== false,
  });
}

/** What is wrong with a client's certificate. A TLSSocket that no tls.Server has made does not look by itself. */
function clientProblem(socket: TLSSocket, options: TlsOptions): Error | undefined {
  if (options.requestCert !== true) return undefined;
  const { ssl } = socket as unknown as { ssl: { verifyError(): Error | string | null } };
  const problem = ssl.verifyError();
  if (!problem) {
    socket.authorized = true;
    return undefined;
  }
  const code = typeof problem === "string" ? problem : certificateCode(problem);
  socket.authorizationError = code as unknown as Error;
  if (options.rejectUnauthorized === false) return undefined;
  return new CertificateError(`The client's certificate is refused: ${code}`, { code, cause: problem });
}

function handshakeError(socket: TLSSocket, error: Error & { code?: string }): Error {
  const { authorizationError } = socket as { authorizationError: unknown };
  if (!authorizationError || error.code === "ECONNRESET") return fromTlsError(error);
  return new CertificateError(error.message, {
    code: certificateCode(error, String(authorizationError)),
    cause: error,
  });
}
