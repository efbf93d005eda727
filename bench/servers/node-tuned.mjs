// node:net tuned by hand: what is written for one chunk leaves in one call.
import { runOnSockets, SMALL_WRITES } from "./frame.mjs";
import { NEWLINE } from "./messages.mjs";

runOnSockets({
  "lines-echo"(socket) {
    let rest;
    socket.on("data", (chunk) => {
      const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
      const answers = [];
      let start = 0;
      for (let end; (end = bytes.indexOf(NEWLINE, start) + 1) > 0; start = end)
        answers.push(bytes.subarray(start, end));
      rest = start < bytes.length ? bytes.subarray(start) : undefined;
      if (answers.length > 0) socket.write(Buffer.concat(answers));
    });
    socket.on("end", () => socket.end());
  },
  burst(socket) {
    socket.on("data", () => {
      socket.cork();
      for (const bytes of SMALL_WRITES) socket.write(bytes);
      socket.uncork();
    });
    socket.on("end", () => socket.end());
  },
});
