/** A script as the source of a test case, for test/streams/. */
import { isRead, type Operation, type Piece, type ReaderScript } from "./scripts.js";

/** It runs as it stands, and ends; what it has to assert stands in the trace of CPython. */
export function showScript({ limit, operations }: ReaderScript): string {
  const lastCancel = operations.findLastIndex(([name]) => name === "cancel");
  let reads = 0;
  const lines = operations.flatMap((operation, index) => {
    if (operation[0] === "cancel") return Array.from({ length: reads }, (_, read) => `cancel${read}();`);
    if (!isRead(operation)) return [`${showCall(operation)} // step ${index}`];
    return showRead(operation, reads++, index, index < lastCancel);
  });
  return [
    'it("reads as asyncio does", async () => {',
    `  const reader = new StreamReader({ limit: ${limit} });`,
    ...lines.map((line) => `  ${line}`),
    "});",
  ].join("\n");
}

function showCall(operation: Operation): string {
  switch (operation[0]) {
    case "feed":
      return `reader.feedData(Buffer.from(${showPieces(operation[1])}));`;
    case "eof":
      return "reader.feedEof();";
    case "exception":
      return `reader.setException(new Error(${JSON.stringify(operation[1])}));`;
    case "transport":
      return `reader.setTransport(new ${operation[1] ? "Recording" : "Unpausable"}Transport());`;
    default:
      return "await nextTurn();";
  }
}

function showPieces(pieces: readonly Piece[]): string {
  if (pieces.length === 0) return '""';
  return pieces
    .map(([text, times]) => JSON.stringify(text) + (times === 1 ? "" : `.repeat(${times})`))
    .join(" + ");
}

function showRead(operation: Operation, read: number, index: number, canBeCancelled: boolean): string[] {
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
