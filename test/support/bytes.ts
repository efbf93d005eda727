/** Bytes of tests. */

/** `size` bytes in which a missing, doubled or moved stretch shows. The same for the same `seed`. */
export function patternBytes(size: number, seed = 1): Buffer {
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let index = 0, word = seed; index < words.length; index++) {
    word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
    words[index] = word ^ index;
  }
  return Buffer.from(words.buffer, 0, size);
}
