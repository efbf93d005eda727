// node:readline, which gives lines as strings, without their ends.
import { createInterface } from "node:readline";
import { runOnSockets } from "./frame.mjs";

runOnSockets({
  "lines-echo"(socket) {
    const lines = createInterface({ input: socket, crlfDelay: Infinity });
    lines.on("line", (line) => socket.write(`${line}\n`));
    lines.on("close", () => socket.end());
  },
  lines(socket) {
    let seen = 0;
    const lines = createInterface({ input: socket, crlfDelay: Infinity });
    lines.on("line", () => seen++);
    lines.on("close", () => socket.end(String(seen)));
  },
});
