/** What of a conversation is not for other eyes. */
import { toBytes } from "../bytes/to-bytes.js";
import { kindOf } from "../describe.js";
import { isBytes } from "../checks.js";
import type { BytesLike } from "../transport/transport.js";
import { MASKED, type Segment } from "./transcript.js";

/** Bytes or a string to hide wherever they stand, or a RegExp whose matches are hidden: it sees each byte as a character. */
export type Mask = BytesLike | RegExp;

/** @throws TypeError for a wrong kind; RangeError for one that is empty */
export function checkMasks(masks: unknown): RegExp[] {
  if (!Array.isArray(masks)) throw new TypeError(`masks must be a list, not ${kindOf(masks)}`);
  return masks.map((mask: unknown) => {
    if (mask instanceof RegExp) return new RegExp(mask.source, `${mask.flags.replace(/[gy]/g, "")}g`);
    if (typeof mask !== "string" && !isBytes(mask)) {
      throw new TypeError(`a mask must be a string, a Uint8Array or a RegExp, not ${kindOf(mask)}`);
    }
    if (mask.length === 0) throw new RangeError("a mask must not be empty");
    const text = Buffer.from(toBytes(mask)).toString("latin1");
    return new RegExp(
      text.replace(/[^a-z0-9]/gi, (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, "0")}`),
      "g",
    );
  });
}

/**
 * What is left of chunks that went one way: of each, its bytes and masks. A match may lie across any of them.
 */
export function maskChunks(chunks: readonly Uint8Array[], masks: readonly RegExp[]): Segment[][] {
  const text = Buffer.concat(chunks).toString("latin1");
  const hidden = masks
    .flatMap((mask) => [...text.matchAll(mask)])
    .map(({ index, 0: match }) => ({ start: index, end: index + match.length }))
    .filter(({ start, end }) => end > start)
    .sort((one, other) => one.start - other.start);
  let position = 0;
  return chunks.map((chunk) => {
    const start = position;
    position += chunk.length;
    return segmentsOf(chunk, start, hidden);
  });
}

/** `start` is where `chunk` begins, in the count of `hidden`, which is sorted. */
function segmentsOf(
  chunk: Uint8Array,
  start: number,
  hidden: readonly { readonly start: number; readonly end: number }[],
): Segment[] {
  const segments: Segment[] = [];
  let at = 0;
  for (const range of hidden) {
    const from = Math.max(range.start - start, at);
    const to = Math.min(range.end - start, chunk.length);
    if (to <= from) continue;
    if (from > at) segments.push(chunk.subarray(at, from));
    if (segments.at(-1) !== MASKED) segments.push(MASKED);
    at = to;
  }
  if (at < chunk.length) segments.push(chunk.subarray(at));
  return segments;
}
