/** What streams of others give as a chunk. */
import { toBytes } from "../bytes/to-bytes.js";

/** Bytes in whatever form, or a string, which is UTF-8. @throws TypeError if it is anything else */
export function toChunk(value: unknown): Uint8Array {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return toBytes(value);
}
