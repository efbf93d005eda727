// Bun's own sockets, by its callbacks; what a socket does not take at once waits for its drain.
/* global Bun */
import { BLOCK, isExpected, role, tellPort } from "./frame.mjs";
import { NEWLINE } from "./messages.mjs";

function send(socket, bytes) {
  const { data } = socket;
  if (data.waiting.length > 0) {
    data.waiting.push(Buffer.from(bytes));
    return;
  }
  const sent = socket.write(bytes);
  if (sent < bytes.length) data.waiting.push(Buffer.from(bytes.subarray(Math.max(0, sent))));
}

function sendWaiting(socket) {
  const waiting = socket.data.waiting.splice(0);
  for (const bytes of waiting) send(socket, bytes);
  if (socket.data.waiting.length === 0 && socket.data.isEnded) socket.end();
}

function eachLine({ data }, chunk, onLine) {
  const bytes = data.rest === undefined ? chunk : Buffer.concat([data.rest, chunk]);
  let start = 0;
  for (let end; (end = bytes.indexOf(NEWLINE, start) + 1) > 0; start = end)
    onLine(bytes.subarray(start, end));
  data.rest = start < bytes.length ? Buffer.from(bytes.subarray(start)) : undefined;
}

const pour = (socket) => {
  while (socket.write(BLOCK) === BLOCK.length);
};

const roles = {
  echo: { data: send },
  "lines-echo": { data: (socket, chunk) => eachLine(socket, chunk, (line) => send(socket, line)) },
  lines: { data: (socket, chunk) => eachLine(socket, chunk, () => socket.data.seen++) },
  sink: { data: (socket, chunk) => void (socket.data.seen += chunk.length) },
  source: { open: pour, drain: pour, data() {} },
};

const server = Bun.listen({
  hostname: "127.0.0.1",
  port: 0,
  allowHalfOpen: true,
  socket: {
    data() {},
    drain: sendWaiting,
    end(socket) {
      if (role === "sink" || role === "lines") socket.write(String(socket.data.seen));
      socket.data.isEnded = true;
      if (socket.data.waiting.length === 0) socket.end();
    },
    error(_socket, error) {
      if (!isExpected(error)) throw error;
    },
    ...roles[role],
    open(socket) {
      socket.data = { seen: 0, rest: undefined, waiting: [], isEnded: false };
      socket.setNoDelay(true);
      roles[role].open?.(socket);
    },
  },
});
tellPort(server.port);
