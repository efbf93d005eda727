// node:stream/promises.
import { connect } from "node:net";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { isExpected, loadPort, runOnSockets } from "./frame.mjs";

const quietly = (promise) =>
  promise.catch((error) => {
    if (!isExpected(error)) throw error;
  });

runOnSockets({
  echo: (socket) => quietly(pipeline(socket, socket)),
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
    const upstream = connect({ port: Number(loadPort), host: "127.0.0.1", noDelay: true });
    void quietly(pipeline(socket, upstream));
    void quietly(pipeline(upstream, socket));
  },
});
