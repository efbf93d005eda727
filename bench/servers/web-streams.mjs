// Web Streams, by Duplex.toWeb.
import { Duplex } from "node:stream";
import { BLOCK, isExpected, runOnSockets } from "./frame.mjs";

const roles = {
  echo: ({ readable, writable }) => readable.pipeTo(writable),
  async sink({ readable, writable }) {
    let bytes = 0;
    for await (const { length } of readable) bytes += length;
    const writer = writable.getWriter();
    await writer.write(Buffer.from(String(bytes)));
    await writer.close();
  },
  async source({ writable }) {
    const writer = writable.getWriter();
    for (;;) {
      await writer.ready;
      // Not awaited: `ready` tells of room, and a lost connection rejects both.
      writer.write(BLOCK).catch(() => {});
    }
  },
};

runOnSockets(
  Object.fromEntries(
    Object.entries(roles).map(([name, serve]) => [
      name,
      (socket) =>
        serve(Duplex.toWeb(socket)).catch((error) => {
          if (!isExpected(error)) throw error;
        }),
    ]),
  ),
);
