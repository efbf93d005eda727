// Deno's own connections.
/* global Deno */
import { BLOCK, role, tellPort } from "./frame.mjs";

const SIZE = 65_536;

async function writeAll(connection, bytes) {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

const roles = {
  async echo(connection) {
    const buffer = new Uint8Array(SIZE);
    for (let size; (size = await connection.read(buffer)) !== null;) {
      await writeAll(connection, buffer.subarray(0, size));
    }
  },
  async sink(connection) {
    const buffer = new Uint8Array(SIZE);
    let seen = 0;
    for (let size; (size = await connection.read(buffer)) !== null;) seen += size;
    await writeAll(connection, new TextEncoder().encode(String(seen)));
  },
  async source(connection) {
    for (;;) await writeAll(connection, BLOCK);
  },
};

async function serve(connection) {
  try {
    await roles[role](connection);
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset))
      throw error;
  }
  connection.close();
}

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
tellPort(listener.addr.port);
for await (const connection of listener) {
  connection.setNoDelay(true);
  void serve(connection);
}
