/** The handshake of node:tls, over a socket or a Duplex, for both sides. */
import type { Duplex } from "node:stream";
import { connect, createSecureContext, TLSSocket, type SecureContext } from "node:tls";
import {
  CertificateError,
  ConnectionResetError,
  NotImplementedError,
  OSError,
  TlsHandshakeTimeoutError,
} from "../../errors.js";
import type { Clock } from "../../waiting/clock.js";
import type { PreparedTls, TlsOptions, TlsSettings } from "../../transport/tls.js";
import { crypto } from "../node/builtins.js";
import { isBun, isDeno } from "../node/runtime.js";
import { checkIdentity } from "./identity-check.js";
import { chainProblem, leafProblem } from "./peer-chain.js";
import { expecting } from "./server-identity.js";
import { certificateCode, fromTlsError } from "./tls-errors.js";

/**
 * `settings` with a context, which many connections can share.
 *
 * @throws what node:tls says of wrong certificates, keys and ciphers
 * @throws NotImplementedError for `crl` where the runtime would pass it over
 */
export function prepareTls(settings: TlsSettings): PreparedTls {
  if (isDeno && settings.options.crl !== undefined) {
    throw new NotImplementedError("Deno does not look for revoked certificates, so crl cannot be given");
  }
  if (settings.truncation !== "ignore") checkCanBridge(settings);
  const { secureContext = makeSecureContext(settings.options, settings.side) } = settings;
  return { ...settings, secureContext };
}

/** @throws NotImplementedError for what the engine would ignore over a Duplex: Bun's would show every client the same certificate */
export function checkCanBridge({ side, options }: TlsSettings): void {
  if (!isBun || side === "client" || options.SNICallback === undefined) return;
  throw new NotImplementedError(
    'Bun calls an SNICallback only for TLS on a socket of its own: it needs truncation: "ignore", and no TLS below',
  );
}

function makeSecureContext(options: TlsOptions, side: "client" | "server"): SecureContext {
  if (options.secureContext !== undefined) return options.secureContext;
  if (isDeno) checkIdentity(options);
  if (side === "client") return createSecureContext(options);
  return createSecureContext({
    honorCipherOrder: true,
    // Sessions of clients that show a certificate can be resumed only under a name for what they are valid for.
    sessionIdContext: crypto().randomBytes(16).toString("hex"),
    ...options,
  });
}

const ENDED = "The peer ended the connection during the TLS handshake";

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
    const onEnd = () => fail(new ConnectionResetError(ENDED));
    // The peer's last words, such as an alert, come first.
    const onChannelEnd = () => void setImmediate(() => setImmediate(onEnd));
    const onAbort = () => fail(signal.reason);
    const onSecure = () => {
      const problem = side === "server" ? clientProblem(socket, settings) : serverProblem(socket, settings);
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
  const socket = new TLSSocket(lower, {
    ...options,
    secureContext,
    isServer: true,
    requestCert: options.requestCert === true,
    rejectUnauthorized: options.rejectUnauthorized !== false,
  });
  if (isDeno) guardStart(socket);
  return socket;
}

/** Deno starts the engine a tick later. Where that fails with what has come by then, it stumbles over what it has destroyed. */
function guardStart(socket: TLSSocket): void {
  const inside = socket as unknown as { _start(): void };
  const start = inside._start.bind(socket);
  inside._start = () => {
    try {
      start();
    } catch (error) {
      if (!socket.destroyed) socket.destroy(error as Error);
    }
  };
}

/** What is wrong with a client's certificate. A TLSSocket that no tls.Server has made does not look by itself. */
function clientProblem(socket: TLSSocket, { options }: PreparedTls): Error | undefined {
  if (options.requestCert !== true) return undefined;
  const { ssl } = socket as unknown as { ssl: { verifyError(): Error | string | null } };
  const problem = ssl.verifyError() || (isDeno && leafProblem(socket));
  if (!problem) {
    socket.authorized = true;
    return undefined;
  }
  const code = typeof problem === "string" ? problem : certificateCode(problem);
  socket.authorizationError = code as unknown as Error;
  if (options.rejectUnauthorized === false) return undefined;
  return new CertificateError(`The client's certificate is refused: ${code}`, { code, cause: problem });
}

/** What is wrong with a server's certificate, and the engine has not seen. */
function serverProblem(socket: TLSSocket, { options, secureContext }: PreparedTls): Error | undefined {
  if (!isDeno || !socket.authorized) return undefined;
  const problem = chainProblem(socket, secureContext);
  if (problem === undefined) return undefined;
  socket.authorized = false;
  socket.authorizationError = problem.code as unknown as Error;
  return options.rejectUnauthorized === false ? undefined : problem;
}

function handshakeError(socket: TLSSocket, error: Error & { code?: string }): Error {
  // Bun may tell of the end so, as "socket hang up", before the streams do.
  const isEnd = error.code === "ECONNRESET" && !("syscall" in error) && !(error instanceof OSError);
  if (isEnd) return new ConnectionResetError(ENDED, { cause: error });
  const { authorizationError } = socket as { authorizationError: unknown };
  if (!authorizationError || error.code === "ECONNRESET") return fromTlsError(error);
  return new CertificateError(error.message, {
    code: certificateCode(error, String(authorizationError)),
    cause: error,
  });
}
