/** What stands at the other end of a connection under test, made with node:tls and node:net alone. */
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions, type TLSSocket } from "node:tls";

type Cleanup = (undo: () => unknown) => void;

/** A TLS server that sends back what it gets; the port. With `onConnection` it does that instead. */
export async function tlsEchoPort(
  cleanup: Cleanup,
  options: TlsOptions,
  onConnection: (socket: TLSSocket) => void = (socket) => void socket.pipe(socket),
): Promise<number> {
  const server = createTlsServer({ maxVersion: "TLSv1.3", ...options }, (socket) => {
    socket.on("error", () => {});
    onConnection(socket);
  });
  return listening(cleanup, server);
}

/** A TCP server that does `onConnection` with each bare socket; the port. */
export async function barePort(cleanup: Cleanup, onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    onConnection(socket);
  });
  return listening(cleanup, server);
}

async function listening(cleanup: Cleanup, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  cleanup(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    if (server.listening) await once(server, "close");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** The beginning of a record of TLS, as the first of a handshake, with less in it than it announces. */
export const HALF_RECORD: Buffer = Buffer.from("160303007a0200007603", "hex");
