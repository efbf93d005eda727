// node:net as it is mostly written: 'data' callbacks, and one write for each message.
import { BLOCK, connectToLoad, MESSAGE, runOnSockets, SEPARATOR, SMALL_WRITES } from "./frame.mjs";
import { endOfFrame, endOfLine } from "./messages.mjs";

/** Calls `onMessage` with each message, of which `endOf(bytes, start)` tells the end, or -1 if it is not there yet. */
function split(socket, endOf, onMessage) {
  let rest;
  socket.on("data", (chunk) => {
    const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end; (end = endOf(bytes, start)) >= 0; start = end) onMessage(bytes.subarray(start, end));
    rest = start < bytes.length ? bytes.subarray(start) : undefined;
  });
}

/** Counts messages, and tells how many there were. */
function count(socket, endOf) {
  let messages = 0;
  split(socket, endOf, () => messages++);
  socket.on("end", () => socket.end(String(messages)));
}

function pour(socket) {
  const write = () => {
    while (socket.write(BLOCK));
  };
  socket.on("drain", write);
  write();
}

runOnSockets({
  echo(socket) {
    socket.on("data", (chunk) => socket.write(chunk));
    socket.on("end", () => socket.end());
  },
  "lines-echo"(socket) {
    split(socket, endOfLine, (line) => socket.write(line));
    socket.on("end", () => socket.end());
  },
  lines: (socket) => count(socket, endOfLine),
  frames: (socket) => count(socket, endOfFrame),
  /** Looks again only at what is new: the message is long. */
  until(socket) {
    let messages = 0;
    let chunks = [];
    let tail = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      const seam = Buffer.concat([tail, chunk]);
      const found = seam.indexOf(SEPARATOR);
      if (found < 0) {
        tail = seam.subarray(-SEPARATOR.length + 1);
        return;
      }
      messages++;
      const end = chunk.length - (seam.length - found - SEPARATOR.length);
      const message = Buffer.concat([...chunks.slice(0, -1), chunk.subarray(0, end)]);
      if (!message.subarray(-SEPARATOR.length).equals(SEPARATOR)) throw new Error("wrong");
      chunks = [chunk.subarray(end)];
      tail = chunks[0].subarray(-SEPARATOR.length + 1);
    });
    socket.on("end", () => socket.end(String(messages)));
  },
  sink(socket) {
    let bytes = 0;
    socket.on("data", (chunk) => (bytes += chunk.length));
    socket.on("end", () => socket.end(String(bytes)));
  },
  source(socket) {
    pour(socket);
    socket.resume();
    socket.on("end", () => socket.destroy());
  },
  both(socket) {
    pour(socket);
    socket.on("data", () => {});
    socket.on("end", () => socket.destroy());
  },
  burst(socket) {
    socket.on("data", () => {
      for (const bytes of SMALL_WRITES) socket.write(bytes);
    });
    socket.on("end", () => socket.end());
  },
  relay(socket) {
    const upstream = connectToLoad();
    upstream.on("error", () => socket.destroy());
    socket.pipe(upstream);
    upstream.pipe(socket);
  },
  connect(open) {
    const talk = () => {
      const socket = open();
      socket.on("error", () => process.exit(0));
      socket.on("connect", () => socket.write(MESSAGE));
      socket.on("data", () => socket.end());
      socket.on("close", talk);
    };
    talk();
  },
});
