/** Errors as Node.js raises them, made into the classes of errors.ts. */
import {
  BrokenPipeError,
  ConnectionAbortedError,
  ConnectionRefusedError,
  ConnectionResetError,
  FileNotFoundError,
  NameResolutionError,
  OSError,
  PermissionError,
  TimeoutError,
  toError,
  type OSErrorDetails,
} from "../../errors.js";

const CLASSES: Readonly<Record<string, new (message: string, details: OSErrorDetails) => OSError>> = {
  EACCES: PermissionError,
  ECONNABORTED: ConnectionAbortedError,
  ECONNREFUSED: ConnectionRefusedError,
  ECONNRESET: ConnectionResetError,
  ENOENT: FileNotFoundError,
  EPERM: PermissionError,
  EPIPE: BrokenPipeError,
  ESHUTDOWN: BrokenPipeError,
  ETIMEDOUT: TimeoutError,
};

/** What Node.js says of a system error, with `explanation` in front of its message. */
export function fromSystemError(error: unknown, explanation?: string): Error {
  if (error instanceof OSError) return error;
  if (!(error instanceof Error)) return toError(error);
  const { code, errno, syscall, address, port, path } = error as Error & OSErrorDetails;
  if (typeof code !== "string" || typeof syscall !== "string") return error;
  const message = explanation === undefined ? error.message : `${explanation}: ${error.message}`;
  const isNumber = typeof errno === "number";
  const details = { code, errno: isNumber ? errno : undefined, syscall, address, port, path, cause: error };
  const ErrorClass = syscall === "getaddrinfo" ? NameResolutionError : (CLASSES[code] ?? OSError);
  return new ErrorClass(message, details);
}
