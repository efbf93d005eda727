/** What `openConnection()` rejects with when no address could be connected to. */
import { ConnectionAttemptsError, OSError, type ConnectionAttempt, type OSErrorDetails } from "../errors.js";

type OSErrorClass = new (message: string, details: OSErrorDetails) => OSError;

/**
 * If all attempts failed alike, an error of that class, so that `instanceof ConnectionRefusedError` works also for a name
 * with several addresses; else, or with `allErrors`, an AggregateError. Each tells of every attempt.
 */
export function connectFailure(attempts: readonly ConnectionAttempt[], allErrors: boolean): Error {
  const [first, ...others] = attempts.map((attempt) => attempt.error);
  const messages = attempts.map((attempt) => attempt.error.message);
  const isShared = codeOf(first) !== undefined && others.every((error) => codeOf(error) === codeOf(first));
  if (allErrors) {
    const message = `openConnection() failed: ${messages.join(", ")}`;
    return new ConnectionAttemptsError(message, attempts, isShared ? codeOf(first) : undefined);
  }
  if (first instanceof OSError && isShared) {
    const { code, errno, syscall, address, port, cause } = first;
    const errors = attempts.map((attempt) => attempt.error);
    const details = { code, errno, syscall, address, port, cause, attempts, errors };
    return new (first.constructor as OSErrorClass)(messages.join(", "), details);
  }
  if (first !== undefined && others.length === 0) return first;
  return new ConnectionAttemptsError(`Multiple exceptions: ${messages.join(", ")}`, attempts, undefined);
}

function codeOf(error: Error | undefined): string | undefined {
  return error instanceof OSError ? error.code : undefined;
}
