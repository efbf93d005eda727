// The package promise-socket.
import { PromiseSocket } from "promise-socket";
import { BLOCK, isExpected, runOnSockets } from "../servers/frame.mjs";

const roles = {
  async echo(socket) {
    for (let data; (data = await socket.read()) !== undefined;) await socket.write(data);
    await socket.end();
  },
  async sink(socket) {
    let bytes = 0;
    for (let data; (data = await socket.read()) !== undefined;) bytes += data.length;
    await socket.write(String(bytes));
    await socket.end();
  },
  async source(socket) {
    for (;;) await socket.write(BLOCK);
  },
};

runOnSockets(
  Object.fromEntries(
    Object.entries(roles).map(([name, serve]) => [
      name,
      (socket) =>
        serve(new PromiseSocket(socket)).catch((error) => {
          if (!isExpected(error) && error.name !== "StreamError") throw error;
        }),
    ]),
  ),
);
