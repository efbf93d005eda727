import { nodeBackend } from "#src/backends/node/backend.js";
import { join } from "node:path";
import { connect, Server, type Socket } from "node:net";
import { once } from "node:events";
import type { Endpoint } from "#src/transport/endpoint.js";
import type { StartableTransport } from "#src/transport/transport.js";
import { temporaryFolder } from "../support/folders.js";
import { describeTransport, type MakePair } from "./conformance.js";

const LOOPBACK: Endpoint = { kind: "tcp", address: "127.0.0.1", port: 0, family: 4 };

/** The tested end is the one that connects. */
function connecting(endpointFor: (cleanup: Parameters<MakePair>[0]) => Promise<Endpoint>): MakePair {
  return async (cleanup) => {
    const endpoint = await endpointFor(cleanup);
    const listener = new Server({ allowHalfOpen: true, pauseOnConnect: true });
    cleanup(() => listener.close());
    listener.listen(endpoint.kind === "tcp" ? { host: endpoint.address, port: 0 } : { path: endpoint.path });
    await once(listener, "listening");
    const address = listener.address();
    const target = typeof address === "object" ? { ...LOOPBACK, port: address!.port } : endpoint;
    const accepted = once(listener, "connection") as Promise<[Socket]>;
    const near = await nodeBackend.connect(target, { signal: new AbortController().signal });
    const [socket] = await accepted;
    return { near, far: nodeBackend.adopt(socket, "any"), reset: () => socket.resetAndDestroy() };
  };
}

/** The tested end is the one that accepts. */
const accepting: MakePair = async (cleanup) => {
  const options = { backlog: 10, reusePort: false, keepAlive: false, cleanupSocket: false };
  const listener = await nodeBackend.listen(LOOPBACK, options);
  cleanup(() => listener.close());
  const accepted = new Promise<StartableTransport>((resolve) => {
    listener.accept({ connectionAccepted: resolve, acceptFailed: () => {} });
  });
  const { address, port } = listener.endpoint as { address: string; port: number };
  const socket = connect({ host: address, port, allowHalfOpen: true });
  await once(socket, "connect");
  return {
    near: await accepted,
    far: nodeBackend.adopt(socket, "any"),
    reset: () => socket.resetAndDestroy(),
  };
};

describeTransport(
  "a transport over TCP, connecting",
  connecting(async () => LOOPBACK),
  { resets: true },
);
describeTransport("a transport over TCP, accepting", accepting, { resets: true });
describeTransport(
  "a transport over a Unix socket",
  connecting(async (cleanup) => ({ kind: "unix", path: join(await temporaryFolder(cleanup), "s") })),
  { resets: false },
);
