/** Copies of received bytes, made the way that costs least. */

/** Copies of up to this size own their memory at no cost; larger ones come from the runtime's pool and share a slab. */
export const OWN_UP_TO = 64;

/** A copy that may be kept. Of much, `Buffer.from` would fill the memory with zeros first. */
export function copyOf(bytes: Uint8Array): Buffer<ArrayBuffer> {
  const { length } = bytes;
  return length > OWN_UP_TO && length < Buffer.poolSize >>> 1 ? Buffer.from(bytes) : ownCopyOf(bytes);
}

/** A copy with memory of its own: the slabs of the runtime's pool have 64 KiB from Node.js 24 on. */
export function ownCopyOf(bytes: Uint8Array): Buffer<ArrayBuffer> {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}
