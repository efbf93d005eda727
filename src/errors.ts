/** The errors that this library throws, by what a caller may want to catch. Imports nothing. */

/** What was thrown, as an Error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}

/** The end of the stream came before the read had all its bytes. As `asyncio.IncompleteReadError`. */
export class IncompleteReadError extends Error {
  static {
    this.prototype.name = "IncompleteReadError";
  }
  readonly code = "ERR_INCOMPLETE_READ";
  /** The bytes that were there when the stream ended; they have left the reader. */
  readonly partial: Buffer<ArrayBuffer>;
  /** How many bytes were asked for; `undefined` when the read was up to a separator. */
  readonly expected: number | undefined;

  /** `dropped`: bytes that were read besides, and not kept. */
  constructor(partial: Buffer<ArrayBuffer>, expected: number | undefined, dropped = 0) {
    super(`${dropped + partial.length} bytes read on a total of ${expected ?? "undefined"} expected bytes`);
    this.partial = partial;
    this.expected = expected;
  }
}

/** More than `limit` bytes stand before the separator. Nothing was consumed. As `asyncio.LimitOverrunError`. */
export class LimitOverrunError extends Error {
  static {
    this.prototype.name = "LimitOverrunError";
  }
  readonly code = "ERR_LIMIT_OVERRUN";
  /** How many bytes can be read to get on: all before the separator, or all that cannot belong to one. */
  readonly consumed: number;

  constructor(message: string, consumed: number) {
    super(message);
    this.consumed = consumed;
  }
}

/**
 * A line is above the limit. `readLine()` drops it: through its newline when that was already there, else all that was
 * buffered (the rest of the line then comes as the next line); `lines()` drops nothing. asyncio raises a bare
 * `ValueError` here.
 */
export class LineTooLongError extends Error {
  static {
    this.prototype.name = "LineTooLongError";
  }
  readonly code = "ERR_LINE_TOO_LONG";
  /** The reader's limit, in bytes. */
  readonly limit: number;
  /** How many bytes were dropped. */
  readonly dropped: number;

  constructor(reason: string, limit: number, dropped: number) {
    const loss = dropped === 0 ? "nothing was dropped" : `${dropped} bytes of the line were dropped`;
    super(`${reason} (limit ${limit} bytes, ${loss})`);
    this.limit = limit;
    this.dropped = dropped;
  }
}

/**
 * A line of a loop with `eol: "crlf-strict"` has a CR or an LF that is not part of a CRLF. What one program takes for one
 * line, another can take for two: close the connection. Nothing was consumed.
 */
export class LineEndingError extends Error {
  static {
    this.prototype.name = "LineEndingError";
  }
  readonly code = "ERR_LINE_ENDING";
  readonly found: "CR" | "LF";
  /** Which line of the loop it is in, from 1 on. */
  readonly line: number;
  /** How many bytes of the line stand before it. */
  readonly offset: number;

  constructor(found: "CR" | "LF", line: number, offset: number) {
    super(`Line ${line} has a bare ${found} after ${offset} bytes, and must end with CRLF`);
    this.found = found;
    this.line = line;
    this.offset = offset;
  }
}

/** What came is no frame of the expected format. */
export class FrameError extends Error {
  static {
    this.prototype.name = "FrameError";
  }
  readonly code: string = "ERR_FRAME";
}

/** A frame is larger than allowed. Nothing was consumed or written. */
export class FrameTooLargeError extends FrameError {
  static {
    this.prototype.name = "FrameTooLargeError";
  }
  override readonly code = "ERR_FRAME_TOO_LARGE";
  /** Bytes of its payload. */
  readonly size: number;
  /** Bytes that it may have. */
  readonly maxFrame: number;

  constructor(size: number, maxFrame: number) {
    super(`A frame of ${size} bytes is above the limit of ${maxFrame}`);
    this.size = size;
    this.maxFrame = maxFrame;
  }
}

/** The call does not fit the state of its object: a second read at once, a write after `writeEof()`, a closed server. */
export class InvalidStateError extends Error {
  static {
    this.prototype.name = "InvalidStateError";
  }
  readonly code = "ERR_INVALID_STATE";
}

/** This transport or runtime cannot do that. */
export class NotImplementedError extends Error {
  static {
    this.prototype.name = "NotImplementedError";
  }
  readonly code = "ERR_METHOD_NOT_IMPLEMENTED";
}

/** One address that `openConnection()` tried, and why it failed. Times are milliseconds since it began to connect. */
export interface ConnectionAttempt {
  readonly address: string;
  readonly port: number;
  readonly startedAt: number;
  readonly failedAt: number;
  readonly error: Error;
}

/** What a system error carries; each field is there only if the system gave it. */
export interface OSErrorDetails {
  /** The system's name of the error, such as `"ECONNREFUSED"`. */
  readonly code?: string | undefined;
  /** Its number, negative, as Node.js reports it. */
  readonly errno?: number | undefined;
  readonly syscall?: string | undefined;
  readonly address?: string | undefined;
  readonly port?: number | undefined;
  readonly path?: string | undefined;
  /** The error as the runtime raised it. */
  readonly cause?: unknown;
  /** One entry for each address that was tried. */
  readonly attempts?: readonly ConnectionAttempt[] | undefined;
  /** The errors of `attempts`, in the same order. */
  readonly errors?: readonly Error[] | undefined;
}

/** The operating system refused something. As Python's `OSError`. */
export class OSError extends Error implements OSErrorDetails {
  static {
    this.prototype.name = "OSError";
  }
  declare readonly code?: string;
  declare readonly errno?: number;
  declare readonly syscall?: string;
  declare readonly address?: string;
  declare readonly port?: number;
  declare readonly path?: string;
  declare readonly attempts?: readonly ConnectionAttempt[];
  declare readonly errors?: readonly Error[];

  constructor(message: string, details: OSErrorDetails = {}) {
    const { cause, ...fields } = details;
    super(message, cause === undefined ? undefined : { cause });
    for (const [name, value] of Object.entries(fields)) {
      if (value !== undefined) Object.defineProperty(this, name, { value, enumerable: true });
    }
  }
}

/** No such file or directory: `ENOENT`. */
export class FileNotFoundError extends OSError {
  static {
    this.prototype.name = "FileNotFoundError";
  }
  constructor(message: string, details?: OSErrorDetails) {
    super(message, { code: "ENOENT", ...details });
  }
}

/** Not permitted: `EACCES` or `EPERM`. */
export class PermissionError extends OSError {
  static {
    this.prototype.name = "PermissionError";
  }
  constructor(message: string, details?: OSErrorDetails) {
    super(message, { code: "EACCES", ...details });
  }
}

/** A host name has no address. As Python's `socket.gaierror`. */
export class NameResolutionError extends OSError {
  static {
    this.prototype.name = "NameResolutionError";
  }
  constructor(message: string, details?: OSErrorDetails) {
    super(message, { code: "ENOTFOUND", ...details });
  }
}

/** A limit of time has passed: one that a caller set, or the system's own. */
export class TimeoutError extends OSError {
  static {
    this.prototype.name = "TimeoutError";
  }
  constructor(message: string, details?: OSErrorDetails) {
    super(message, { code: "ETIMEDOUT", ...details });
  }
}

/** Nothing was received, or passed on by a relay, for as long as was allowed; the connection is closed. */
export class IdleTimeoutError extends TimeoutError {
  static {
    this.prototype.name = "IdleTimeoutError";
  }
  /** In ms. */
  readonly timeout: number;

  constructor(timeout: number) {
    super(`No byte was received for ${timeout} ms`);
    this.timeout = timeout;
  }
}

/** The peer took none of what was to be sent for as long as `liveness.writeStall` allows; the connection is closed. */
export class WriteStallError extends TimeoutError {
  static {
    this.prototype.name = "WriteStallError";
  }
  /** In ms. */
  readonly timeout: number;

  constructor(timeout: number) {
    super(`The peer took no byte of what was to be sent for ${timeout} ms`);
    this.timeout = timeout;
  }
}

/** What all errors of a connection have in common. As Python's `ConnectionError`. */
export class ConnectionError extends OSError {
  static {
    this.prototype.name = "ConnectionError";
  }
}

/** The peer reset the connection, or it is lost: `ECONNRESET`. */
export class ConnectionResetError extends ConnectionError {
  static {
    this.prototype.name = "ConnectionResetError";
  }
  constructor(message: string, details?: OSErrorDetails) {
    super(message, { code: "ECONNRESET", ...details });
  }
}

/** The peer does not take any more bytes: `EPIPE`. */
export class BrokenPipeError extends ConnectionError {
  static {
    this.prototype.name = "BrokenPipeError";
  }
  constructor(message: string, details?: OSErrorDetails) {
    super(message, { code: "EPIPE", ...details });
  }
}

/** The connection was given up on this side: `ECONNABORTED`. */
export class ConnectionAbortedError extends ConnectionError {
  static {
    this.prototype.name = "ConnectionAbortedError";
  }
  constructor(message: string, details?: OSErrorDetails) {
    super(message, { code: "ECONNABORTED", ...details });
  }
}

/** Nobody listens at the address: `ECONNREFUSED`. */
export class ConnectionRefusedError extends ConnectionError {
  static {
    this.prototype.name = "ConnectionRefusedError";
  }
  constructor(message: string, details?: OSErrorDetails) {
    super(message, { code: "ECONNREFUSED", ...details });
  }
}

/** TLS failed: the handshake, or a broken record. `code` is OpenSSL's or Node.js's. As Python's `ssl.SSLError`. */
export class TlsError extends OSError {
  static {
    this.prototype.name = "TlsError";
  }
}

/**
 * The peer's certificate is not to be trusted, or is another host's. `code` says why, such as
 * `"DEPTH_ZERO_SELF_SIGNED_CERT"`, `"ERR_TLS_CERT_ALTNAME_INVALID"` or `"CERT_HAS_EXPIRED"`. As Python's
 * `ssl.SSLCertVerificationError`.
 */
export class CertificateError extends TlsError {
  static {
    this.prototype.name = "CertificateError";
  }
}

/** The connection ended without the peer's close_notify: what came may not be all. */
export class TlsTruncationError extends TlsError {
  static {
    this.prototype.name = "TlsTruncationError";
  }
  constructor() {
    super("The connection ended without close_notify: what was received may be cut short", {
      code: "ERR_TLS_TRUNCATED",
    });
  }
}

/** The handshake took longer than its limit. As asyncio's ConnectionAbortedError. */
export class TlsHandshakeTimeoutError extends ConnectionAbortedError {
  static {
    this.prototype.name = "TlsHandshakeTimeoutError";
  }
  /** In ms. */
  readonly timeout: number;

  constructor(timeout: number) {
    super(`TLS handshake is taking longer than ${timeout} ms: aborting the connection`);
    this.timeout = timeout;
  }
}

/** The peer did not end its side within the limit. As asyncio's TimeoutError. */
export class TlsShutdownTimeoutError extends TimeoutError {
  static {
    this.prototype.name = "TlsShutdownTimeoutError";
  }
  /** In ms. */
  readonly timeout: number;

  constructor(timeout: number) {
    super(`TLS shutdown timed out after ${timeout} ms`);
    this.timeout = timeout;
  }
}

/** `startTls()` with `buffered: "reject"` found bytes that came before TLS. */
export class PlaintextBufferedError extends TlsError {
  static {
    this.prototype.name = "PlaintextBufferedError";
  }
  /** How many bytes there were. */
  readonly bufferedBytes: number;

  constructor(bufferedBytes: number) {
    super(`${bufferedBytes} bytes were received before TLS, and buffered is "reject"`, {
      code: "ERR_TLS_PLAINTEXT_BUFFERED",
    });
    this.bufferedBytes = bufferedBytes;
  }
}

/** Several addresses failed for different reasons, or `allErrors` was asked for. */
export class ConnectionAttemptsError extends AggregateError {
  static {
    this.prototype.name = "ConnectionAttemptsError";
  }
  /** The code that all attempts share; `undefined` if they differ. */
  readonly code: string | undefined;
  /** One entry for each address that was tried, in the order of their start. */
  readonly attempts: readonly ConnectionAttempt[];

  constructor(message: string, attempts: readonly ConnectionAttempt[], code: string | undefined) {
    super(
      attempts.map((attempt) => attempt.error),
      message,
    );
    this.attempts = attempts;
    this.code = code;
  }
}
