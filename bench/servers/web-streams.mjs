// Web Streams, by Duplex.toWeb.
import { Duplex } from "node:stream";
import { BLOCK, runOnSockets } from "./frame.mjs";

runOnSockets({
  echo(socket) {
    const { readable, writable } = Duplex.toWeb(socket);
    return readable.pipeTo(writable);
  },
  async sink(socket) {
    const { readable, writable } = Duplex.toWeb(socket);
    let bytes = 0;
    for await (const { length } of readable) bytes += length;
    const writer = writable.getWriter();
    await writer.write(Buffer.from(String(bytes)));
    await writer.close();
  },
  async source(socket) {
    const writer = Duplex.toWeb(socket).writable.getWriter();
    for (;;) {
      await writer.ready;
      // Not awaited: `ready` tells of room, and a lost connection rejects both.
      writer.write(BLOCK).catch(() => {});
    }
  },
});
