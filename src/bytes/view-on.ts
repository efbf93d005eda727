/** Views on memory, made the way that costs least. */

type ViewClass = new (memory: ArrayBuffer, start: number, size: number) => Buffer<ArrayBuffer>;

/** What the runtime itself makes views of a Buffer with. */
const View = (Buffer as unknown as { readonly [Symbol.species]: ViewClass })[Symbol.species];

/** As `Buffer.from(memory, start, size)`, at half its cost on Node.js. */
export function viewOn(memory: ArrayBuffer, start: number, size: number): Buffer<ArrayBuffer> {
  return new View(memory, start, size);
}
