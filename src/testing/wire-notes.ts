/** What has gone over a connection, in order. */
import { maskChunks } from "./masks.js";
import { HEADER, linesOf, type Segment } from "./transcript.js";

type Arrow = ">" | "<";
type End = "> eof" | "> close" | "< eof" | "< reset";

type Note = { readonly arrow: Arrow; readonly bytes: Uint8Array } | { readonly line: string };

export class WireNotes {
  readonly #notes: Note[] = [];
  /** After one of these nothing more goes that way. */
  readonly #ended = new Set<Arrow>();
  #isClosed = false;

  addBytes(arrow: Arrow, bytes: Uint8Array): void {
    if (bytes.length > 0) this.#notes.push({ arrow, bytes: Uint8Array.from(bytes) });
  }

  /** Each direction ends once; what the other side does after our close is not seen, `"> close"` can follow `"> eof"`. */
  addEnd(end: End, comment?: string): void {
    const arrow = end[0] as Arrow;
    const isRepeated = this.#ended.has(arrow) && end !== "> close";
    if (isRepeated || this.#isClosed) return;
    if (end === "> close") this.#isClosed = true;
    this.#ended.add(arrow);
    if (comment !== undefined) this.addComment(comment);
    this.#notes.push({ line: end });
  }

  addComment(text: string): void {
    this.#notes.push({ line: `# ${text.replaceAll("\n", "\n# ")}` });
  }

  /** As text, without what the masks match. */
  write(masks: readonly RegExp[]): string {
    const masked = { ">": this.#masked(">", masks), "<": this.#masked("<", masks) };
    const lines = [HEADER];
    let run: Segment[] = [];
    for (const [index, note] of this.#notes.entries()) {
      if ("line" in note) {
        lines.push(note.line);
        continue;
      }
      run.push(...masked[note.arrow].shift()!);
      const next = this.#notes[index + 1];
      if (next !== undefined && "arrow" in next && next.arrow === note.arrow) continue;
      lines.push(...linesOf(note.arrow, joined(run)));
      run = [];
    }
    return `${lines.join("\n")}\n`;
  }

  #masked(arrow: Arrow, masks: readonly RegExp[]): Segment[][] {
    const chunks = this.#notes.flatMap((note) =>
      "arrow" in note && note.arrow === arrow ? [note.bytes] : [],
    );
    return maskChunks(chunks, masks);
  }
}

/** Neighbours of a kind are one: a chunk may end within a character, or within a secret. */
function joined(segments: readonly Segment[]): Segment[] {
  const result: Segment[] = [];
  for (const segment of segments) {
    const last = result.at(-1);
    if (typeof segment === "string") {
      if (segment !== last) result.push(segment);
    } else if (last === undefined || typeof last === "string") result.push(segment);
    else result[result.length - 1] = Buffer.concat([last, segment]);
  }
  return result;
}
