/** The ways to cut an input that are tried: each a sorted list of positions to cut at. */

/** Of a kind of splits that has more than this, a sample is tried. */
const MOST_OF_A_KIND = 2_000;

/** Places within this many bytes of either end are interesting: headers and lengths stand there. */
const EDGE = 4;

export interface SplitPlan {
  /** Inputs of up to this many bytes are cut in every way. */
  readonly exhaustive: number;
  /** How many random splits of a longer input are tried. */
  readonly samples: number;
  readonly seed: number;
}

/** Every split to try, those with few cuts first; not the one without a cut. */
export function* splitsOf(input: Uint8Array, { exhaustive, samples, seed }: SplitPlan): Generator<number[]> {
  const size = input.length;
  if (size < 2) return;
  if (size <= exhaustive) {
    yield* everyWay(size);
    return;
  }
  const random = randomNumbers(seed);
  const all = Array.from({ length: size - 1 }, (_, index) => index + 1);
  for (const cut of sample(all, MOST_OF_A_KIND, random)) yield [cut];
  yield* sample(pairs(interestingPlaces(input)), MOST_OF_A_KIND, random);
  yield all;
  for (let number = 0; number < samples; number++) {
    // Few cuts in one, many in the next.
    const share = random() ** 2;
    const cuts = all.filter(() => random() < share);
    if (cuts.length > 0) yield cuts;
  }
}

/** All 2^(size - 1) - 1 splits with a cut, in the order of how many cuts they have. */
function* everyWay(size: number): Generator<number[]> {
  for (let count = 1; count < size; count++) yield* choose(count, 1, size);
}

/** All lists of `count` cuts from `first` up to before `end`. */
function* choose(count: number, first: number, end: number): Generator<number[]> {
  if (count === 0) {
    yield [];
    return;
  }
  for (let cut = first; cut <= end - count; cut++) {
    for (const rest of choose(count - 1, cut + 1, end)) yield [cut, ...rest];
  }
}

/** Where the kind of byte changes, one beside that, and both ends. */
function interestingPlaces(input: Uint8Array): number[] {
  const size = input.length;
  const places = new Set<number>();
  for (let place = 1; place < size; place++) {
    const isChange = kindOfByte(input[place - 1]!) !== kindOfByte(input[place]!);
    if (isChange) for (const near of [place - 1, place, place + 1]) places.add(near);
    if (place <= EDGE || place >= size - EDGE) places.add(place);
  }
  return [...places].filter((place) => place > 0 && place < size).sort((one, other) => one - other);
}

/** Bytes that a parser looks for are mostly of another kind than their neighbours; bytes of one character count apart. */
function kindOfByte(byte: number): string | number {
  if (byte >= 0x80 || byte < 0x20) return byte;
  const character = String.fromCharCode(byte);
  return /[a-z0-9]/i.test(character) ? "word" : character;
}

function pairs(places: readonly number[]): number[][] {
  // More places than this have more pairs than are tried.
  const few = places.slice(0, 500);
  return few.flatMap((one, index) => few.slice(index + 1).map((other) => [one, other]));
}

function sample<Item>(items: readonly Item[], most: number, random: () => number): readonly Item[] {
  if (items.length <= most) return items;
  return Array.from({ length: most }, () => items[Math.floor(random() * items.length)]!);
}

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
