/** Pairs of transports over sockets, one end of the node backend and one of a bare socket that it took over. */
import { nodeBackend } from "#src/backends/node/backend.js";
import { connect, Server, type AddressInfo, type Socket } from "node:net";
import { once } from "node:events";
import type { Endpoint } from "#src/transport/endpoint.js";
import type { StartableTransport } from "#src/transport/transport.js";
import type { MakeTransports as MakePair } from "../backends/conformance.js";

/** Port 0 of the loopback. */
export const LOOPBACK: Endpoint = { kind: "tcp", address: "127.0.0.1", port: 0, family: 4 };

/** The tested end is the one that connects. */
export function connecting(endpointFor: (cleanup: Parameters<MakePair>[0]) => Promise<Endpoint>): MakePair {
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
export const accepting: MakePair = async (cleanup) => {
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

/** The tested end took over a socket that cannot receive into memory that is used again. */
export const receivingAnew: MakePair = async (cleanup) => {
  const listener = new Server({ allowHalfOpen: true, pauseOnConnect: true });
  cleanup(() => listener.close());
  listener.listen({ host: LOOPBACK.address, port: 0 });
  await once(listener, "listening");
  const accepted = once(listener, "connection") as Promise<[Socket]>;
  const { port } = listener.address() as AddressInfo;
  const socket = connect({ host: LOOPBACK.address, port, allowHalfOpen: true });
  const [[far]] = await Promise.all([accepted, once(socket, "connect")]);
  const { _handle: handle } = socket as unknown as { _handle?: object };
  if (handle !== undefined) Object.assign(handle, { useUserBuffer: undefined });
  return {
    near: nodeBackend.adopt(socket, "any"),
    far: nodeBackend.adopt(far, "any"),
    reset: () => far.resetAndDestroy(),
  };
};
