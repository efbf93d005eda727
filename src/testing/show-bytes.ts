/** Bytes as a person reads them. */

/** As many characters of a text stand in a sentence. */
const SHORT = 60;

/** As many bytes stand in a row. */
const ROW = 16;

/** `"QUIT\r\n"`, for a sentence: escaped, and cut where it is long. */
export function quote(bytes: Uint8Array): string {
  const text = isText(bytes) ? JSON.stringify(decode(bytes)) : `hex ${hex(bytes)}`;
  return text.length > SHORT ? `${text.slice(0, SHORT)}… (${bytes.length} bytes)` : text;
}

/** Whether bytes are UTF-8 without control characters but tab and the ends of lines. */
export function isText(bytes: Uint8Array): boolean {
  try {
    return !/[^\P{Cc}\t\r\n]/u.test(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return false;
  }
}

/** `0d 0a` */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** `0x0a "\n"`, or that there is none. */
export function showByte(bytes: Uint8Array, position: number): string {
  const byte = bytes[position];
  if (byte === undefined) return "nothing";
  const shown = `0x${byte.toString(16).padStart(2, "0")}`;
  return byte < 0x80 ? `${shown} ${JSON.stringify(String.fromCharCode(byte))}` : shown;
}

/** The rows of `bytes`, in hex and as text; of more than `most` rows, the first ones. */
export function dump(bytes: Uint8Array, most = 4): string {
  const rows = Math.ceil(bytes.length / ROW);
  const lines = Array.from({ length: Math.min(rows, most) }, (_, row) => showRow("", bytes, row));
  if (rows > most) lines.push(`  … ${bytes.length - most * ROW} bytes more`);
  return lines.join("\n");
}

/**
 * The rows around position `at`, where `expected` and `received` begin to differ, one above the other, and a mark below
 * the difference.
 */
export function diff(expected: Uint8Array, received: Uint8Array, at: number): string {
  const row = Math.floor(at / ROW);
  const last = Math.ceil(Math.max(expected.length, received.length, 1) / ROW) - 1;
  const lines: string[] = [];
  if (row > 1) lines.push(`  … ${(row - 1) * ROW} bytes the same`);
  if (row > 0) lines.push(showRow("both", expected, row - 1));
  for (let shown = row; shown <= Math.min(row + 1, last); shown++) {
    lines.push(showRow("expected", expected, shown), showRow("received", received, shown));
    if (shown === row) lines.push(mark(at % ROW));
  }
  return lines.join("\n");
}

function showRow(label: string, bytes: Uint8Array, row: number): string {
  const part = bytes.subarray(row * ROW, (row + 1) * ROW);
  const text = Array.from(part, (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".",
  ).join("");
  return `${prefix(label, row)}${hex(part).padEnd(3 * ROW)}  ${text}`.trimEnd();
}

function prefix(label: string, row: number): string {
  return `  ${label.padEnd(label === "" ? 0 : 10)}${String(row * ROW).padStart(6)}  `;
}

function mark(column: number): string {
  const start = " ".repeat(prefix("expected", 0).length);
  return `${start}${`${" ".repeat(3 * column)}^^`.padEnd(3 * ROW)}  ${" ".repeat(column)}^`;
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}
