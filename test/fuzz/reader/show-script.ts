/** A script as the source of a test case, for test/streams/. */
import {
  isRead,
  type Call,
  type Operation,
  type Piece,
  type ReadCall,
  type ReaderScript,
} from "./scripts.js";

/** It runs as it stands, and ends; what it has to assert stands in the trace of CPython. */
export function showScript({ limit, operations }: ReaderScript): string {
  const lines = limit > 0 ? showOperations(operations) : [];
  const reader = `new StreamReader({ limit: ${limit} })`;
  return [
    'it("reads as asyncio does", async () => {',
    limit > 0 ? `  const reader = ${reader};` : `  assert.throws(() => ${reader});`,
    ...lines.map((line) => `  ${line}`),
    "});",
  ].join("\n");
}

function showOperations(operations: readonly Operation[]): string[] {
  const lastCancel = operations.findLastIndex(([name]) => name === "cancel");
  let reads = 0;
  return operations.flatMap((operation, index) => {
    if (operation[0] === "turn") return `await nextTurn(); // step ${index}`;
    if (operation[0] === "cancel") {
      const cancels = Array.from({ length: reads }, (_, read) => `cancel${read}();`);
      return `${cancels.join(" ")} // step ${index}`.trim();
    }
    if (isRead(operation)) return showRead(operation, reads++, index, index < lastCancel);
    const before = operations.slice(0, index).map(([name]) => name);
    return `${showCall(operation, before)} // step ${index}`;
  });
}

function showCall(call: Call, before: readonly string[]): string {
  switch (call[0]) {
    case "feed": {
      const feed = `reader.feedData(Buffer.from(${showPieces(call[1])}))`;
      return before.includes("eof") ? `assert.throws(() => ${feed});` : `${feed};`;
    }
    case "eof":
      return "reader.feedEof();";
    case "exception":
      return `reader.setException(new Error(${JSON.stringify(call[1])}));`;
    case "transport": {
      const set = `reader.setTransport(new ${call[1] ? "Recording" : "Unpausable"}Transport());`;
      // Refused, unless the one before was found to be unable to pause.
      return before.includes("transport") ? `try { ${set} } catch {}` : set;
    }
  }
}

function showPieces(pieces: readonly Piece[]): string {
  if (pieces.length === 0) return '""';
  return pieces
    .map(([text, times]) => JSON.stringify(text) + (times === 1 ? "" : `.repeat(${times})`))
    .join(" + ");
}

function showRead(operation: ReadCall, read: number, index: number, canBeCancelled: boolean): string[] {
  const result = `.catch((error) => error); // step ${index}`;
  if (operation[0] === "next") {
    const loop = `const loop${read} = reader[Symbol.asyncIterator]();`;
    const cancel = canBeCancelled ? [`const cancel${read} = () => loop${read}.return();`] : [];
    return [loop, ...cancel, `const read${read} = loop${read}.next()${result}`];
  }
  const args = operation.length === 1 ? [] : [showArgument(operation[1])];
  if (!canBeCancelled) return [`const read${read} = reader.${operation[0]}(${args.join(", ")})${result}`];
  return [
    `const controller${read} = new AbortController();`,
    `const cancel${read} = () => controller${read}.abort();`,
    `const read${read} = reader.${operation[0]}(${[...args, `{ signal: controller${read}.signal }`].join(", ")})${result}`,
  ];
}

function showArgument(argument: unknown): string {
  const value = Array.isArray(argument) && argument.length === 1 ? (argument[0] as unknown) : argument;
  return JSON.stringify(value);
}
