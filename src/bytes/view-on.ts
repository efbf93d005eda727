/** Views on memory, made the way that costs least. */

type ViewClass = new (memory: ArrayBuffer, start: number, size: number) => Buffer<ArrayBuffer>;

/** What the runtime itself makes views of a Buffer with, where it tells. */
const View: ViewClass | undefined = (Buffer as unknown as { [Symbol.species]?: ViewClass })[Symbol.species];

const hasView = View?.prototype === Buffer.prototype;

/** As `Buffer.from(memory, start, size)`, at half its cost on Node.js. */
export function viewOn(memory: ArrayBuffer, start: number, size: number): Buffer<ArrayBuffer> {
  return hasView ? new View!(memory, start, size) : Buffer.from(memory, start, size);
}
