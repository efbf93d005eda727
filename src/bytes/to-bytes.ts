/** The one rule on what can be written: bytes, or a string that is sent as UTF-8. */
import { isBytes } from "../checks.js";
import { kindOf } from "../describe.js";

/** @throws TypeError if `data` is neither bytes nor a string */
export function toBytes(data: unknown): Uint8Array {
  if (typeof data === "string") return Buffer.from(data);
  if (isBytes(data)) return data;
  throw new TypeError(`data argument must be a bytes-like object or a string, not ${kindOf(data)}`);
}

/** @throws TypeError if `list` is bare bytes, a bare string, no iterable, or has a member that cannot be written */
export function toBytesList(list: unknown): Uint8Array[] {
  if (isBytes(list) || !isIterable(list)) {
    throw new TypeError(
      `writeLines() takes an iterable of bytes-like objects or strings, not ${kindOf(list)}`,
    );
  }
  return Array.from(list, toBytes);
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}
