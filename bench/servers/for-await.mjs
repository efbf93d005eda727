// A socket as an async iterable.
import { once } from "node:events";
import { runOnSockets } from "./frame.mjs";
import { endOfFrame, endOfLine } from "./messages.mjs";

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

async function count(socket, endOf) {
  let seen = 0;
  for await (const _message of messages(socket, endOf)) seen++;
  socket.end(String(seen));
}

async function echo(socket, pieces) {
  for await (const piece of pieces) if (!socket.write(piece)) await once(socket, "drain");
  socket.end();
}

runOnSockets({
  echo: (socket) => echo(socket, socket),
  "lines-echo": (socket) => echo(socket, messages(socket, endOfLine)),
  lines: (socket) => count(socket, endOfLine),
  frames: (socket) => count(socket, endOfFrame),
  async sink(socket) {
    let bytes = 0;
    for await (const { length } of socket) bytes += length;
    socket.end(String(bytes));
  },
});
