// The package promise-socket.
import { PromiseSocket } from "promise-socket";
import { BLOCK, role, runOnSockets } from "../servers/frame.mjs";

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

/** What the package makes of the end of the load is a StreamError. */
async function serveQuietly(serve, socket) {
  try {
    await serve(new PromiseSocket(socket));
  } catch (error) {
    if (error.name !== "StreamError") throw error;
  }
}

runOnSockets({ [role]: (socket) => serveQuietly(roles[role], socket) });
