/** Listens at a port of 127.0.0.1 that it tells its parent, and never accepts. It ends by itself after a minute. */
import { createServer, type AddressInfo } from "node:net";
import process from "node:process";

const LIFE = 60_000;

const server = createServer();
server.listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => {
  const { port } = server.address() as AddressInfo;
  process.send!(port, () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LIFE);
    process.exit();
  });
});
