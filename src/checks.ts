/** Checks of arguments, one a kind, so that wrong ones are named with their value before anything is opened. */
import { kindOf } from "./describe.js";

/** Also true for a Uint8Array of another realm, where `instanceof` fails. */
export function isBytes(data: unknown): data is Uint8Array {
  return (
    data instanceof Uint8Array ||
    (ArrayBuffer.isView(data) && (data as Uint8Array)[Symbol.toStringTag] === "Uint8Array")
  );
}

/** Python's None is `null` or `undefined` here. */
export function isGiven<Value>(value: Value): value is NonNullable<Value> {
  return value !== undefined && value !== null;
}

/** Whether an argument is the options, and not what may stand before them. */
export function isOptionsObject(value: unknown): value is object {
  return Object.getPrototypeOf(Object(value)) === Object.prototype;
}

/** The largest delay that a timer takes, in ms. */
const LONGEST_DELAY = 2 ** 31 - 1;

/** @throws TypeError unless `value` is a number; RangeError unless it is whole and within `least`..`most` */
export function checkInteger(
  name: string,
  value: unknown,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): number {
  if (typeof value !== "number") throw new TypeError(`${name} must be a number, not ${kindOf(value)}`);
  if (!Number.isInteger(value) || value < least || value > most) {
    const above = least === Number.MIN_SAFE_INTEGER ? "" : ` of at least ${least}`;
    const range = most === Number.MAX_SAFE_INTEGER ? above : ` from ${least} to ${most}`;
    throw new RangeError(`${name} must be a whole number${range}, got ${value}`);
  }
  return value;
}

/** A size of a reader's buffer, in bytes. */
export function checkLimit(value: unknown): number {
  if (typeof value === "number" && value <= 0) throw new RangeError(`Limit cannot be <= 0, got ${value}`);
  return checkInteger("limit", value, 1);
}

/** A limit of time, in ms. */
export function checkTimeout(name: string, value: unknown): number {
  if (typeof value !== "number")
    throw new TypeError(`${name} must be a number of milliseconds, not ${kindOf(value)}`);
  if (!(value > 0 && value <= LONGEST_DELAY)) {
    throw new RangeError(`${name} must be more than 0 and at most ${LONGEST_DELAY} ms, got ${value}`);
  }
  return value;
}

/** A pause in ms, which may be none. */
export function checkDelay(name: string, value: unknown): number {
  return value === 0 ? 0 : checkTimeout(name, value);
}

/** A port as a number, or as a string of digits. @throws RangeError for a service name, which no runtime can look up */
export function checkPort(name: string, value: unknown): number {
  if (typeof value !== "string") return checkInteger(name, value, 0, 65_535);
  if (/^\d+$/.test(value)) return checkInteger(name, Number(value), 0, 65_535);
  throw new RangeError(
    `${name} must be a number: service names such as ${JSON.stringify(value)} are not supported`,
  );
}

/** @throws RangeError for a name that the system, or a peer, would read only up to its NUL */
export function checkNoNul(name: string, value: string): string {
  if (!value.includes("\0")) return value;
  throw new RangeError(`${name} must not have a NUL inside, got ${JSON.stringify(value)}`);
}

export function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw new TypeError(`${name} must be a boolean, not ${kindOf(value)}`);
}

/** @throws TypeError or RangeError unless `value` is one of a few */
export function checkOneOf<const Value extends string | number>(
  name: string,
  value: unknown,
  allowed: readonly Value[],
): Value {
  if (allowed.includes(value as Value)) return value as Value;
  const list = allowed.map((one) => JSON.stringify(one)).join(", ");
  const ErrorClass = typeof value === typeof allowed[0] ? RangeError : TypeError;
  throw new ErrorClass(`${name} must be one of ${list}, got ${kindOf(value)}`);
}

export function checkFunction<Callback>(name: string, value: unknown): Callback {
  if (typeof value === "function") return value as Callback;
  throw new TypeError(`${name} must be a function, not ${kindOf(value)}`);
}

export function checkSignal(value: unknown): AbortSignal {
  if (value instanceof AbortSignal) return value;
  throw new TypeError(`signal must be an AbortSignal, not ${kindOf(value)}`);
}

/**
 * @throws TypeError unless `value` is an object whose keys are all known, as Python refuses an unknown keyword; an object
 *   of a built-in kind, such as a Map or an AbortSignal, can hold no options
 */
export function checkOptions<Options extends object>(
  caller: string,
  value: unknown,
  known: readonly (keyof Options & string)[],
): Options {
  if (!isGiven(value)) return {} as Options;
  if (Object.prototype.toString.call(value) !== "[object Object]") {
    throw new TypeError(`${caller} options must be an object, not ${kindOf(value)}`);
  }
  for (const key of Object.keys(value)) {
    if (!(known as readonly string[]).includes(key)) {
      throw new TypeError(`${caller} got an unexpected option ${JSON.stringify(key)}`);
    }
  }
  return value as Options;
}

export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof Object(value).then === "function";
}
