// Where messages end, for those who look for it themselves, in what may be the end of one chunk and the next.

export const NEWLINE = 0x0a;

/** Behind the newline, or -1 if it is not there yet. */
export const endOfLine = (bytes, start) => bytes.indexOf(NEWLINE, start) + 1 || -1;

/** Behind the payload whose length stands in front, or -1 if not all of it is there yet. */
export function endOfFrame(bytes, start) {
  if (bytes.length - start < 4) return -1;
  const end = start + 4 + bytes.readUInt32BE(start);
  return end <= bytes.length ? end : -1;
}
