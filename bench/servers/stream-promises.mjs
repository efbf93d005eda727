// node:stream/promises.
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { connectToLoad, runOnSockets } from "./frame.mjs";

runOnSockets({
  echo: (socket) => pipeline(socket, socket),
  async sink(socket) {
    let bytes = 0;
    const counting = new Writable({
      write(chunk, _encoding, done) {
        bytes += chunk.length;
        done();
      },
    });
    await pipeline(socket, counting);
    socket.end(String(bytes));
  },
  relay(socket) {
    const upstream = connectToLoad();
    return Promise.all([pipeline(socket, upstream), pipeline(upstream, socket)]);
  },
});
