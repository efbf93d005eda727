// A socket as an async iterable.
import { once } from "node:events";
import { isExpected, runOnSockets } from "./frame.mjs";

const NEWLINE = 0x0a;

/** The messages of a socket, of which `endOf(bytes, start)` tells the end, or -1. */
async function* messages(socket, endOf) {
  let rest;
  for await (const chunk of socket) {
    const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end; (end = endOf(bytes, start)) >= 0; start = end) yield bytes.subarray(start, end);
    rest = start < bytes.length ? bytes.subarray(start) : undefined;
  }
}

const endOfLine = (bytes, start) => bytes.indexOf(NEWLINE, start) + 1 || -1;

function endOfFrame(bytes, start) {
  if (bytes.length - start < 4) return -1;
  const end = start + 4 + bytes.readUInt32BE(start);
  return end <= bytes.length ? end : -1;
}

async function count(socket, endOf) {
  let seen = 0;
  for await (const _message of messages(socket, endOf)) seen++;
  socket.end(String(seen));
}

async function echo(socket, pieces) {
  for await (const piece of pieces) if (!socket.write(piece)) await once(socket, "drain");
  socket.end();
}

const roles = {
  echo: (socket) => echo(socket, socket),
  "lines-echo": (socket) => echo(socket, messages(socket, endOfLine)),
  lines: (socket) => count(socket, endOfLine),
  frames: (socket) => count(socket, endOfFrame),
  async sink(socket) {
    let bytes = 0;
    for await (const { length } of socket) bytes += length;
    socket.end(String(bytes));
  },
};

runOnSockets(
  Object.fromEntries(
    Object.entries(roles).map(([name, serve]) => [
      name,
      (socket) =>
        serve(socket).catch((error) => {
          if (!isExpected(error)) throw error;
        }),
    ]),
  ),
);
