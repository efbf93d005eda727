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
import { os } from "./builtins.js";
import { isBun, isDeno } from "./runtime.js";

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

/** An error of a write. Bun says that the descriptor is bad where it has closed a socket by itself, as the peer is gone. */
export function toldOfWrite(error: Error & OSErrorDetails): Error {
  if (!isBun || error.code !== "EBADF") return error;
  const details = { code: "EPIPE", errno: -os().constants.errno.EPIPE, syscall: "write" };
  return Object.assign(new Error("write EPIPE", { cause: error }), details);
}

/** An error of binding an address. Deno says that the argument is invalid where this machine does not have the address. */
export function toldRight(error: Error & OSErrorDetails): Error {
  if (!isDeno || error.code !== "EINVAL") return error;
  const { syscall, address, port } = error;
  const details = {
    code: "EADDRNOTAVAIL",
    errno: -os().constants.errno.EADDRNOTAVAIL,
    syscall,
    address,
    port,
  };
  const message = `${syscall} EADDRNOTAVAIL: address not available ${address}`;
  return Object.assign(new Error(message, { cause: error }), details);
}
