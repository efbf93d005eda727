// What every program on node:net needs around its roles: a server that tells its port, or a client of the load.
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import process from "node:process";
import { createServer as createTlsServer } from "node:tls";

/** What the program is to do, and the port of the load, for those that connect to it. */
export const [role, loadPort] = process.argv.slice(2);

/** Connections at once of a program that is a client. */
export const CLIENTS = 16;
export const MESSAGE = Buffer.alloc(64, "a");
export const BLOCK = Buffer.alloc(65_536, "b");
/** What is written in one tick for each request. */
export const SMALL_WRITES = Array.from({ length: 100 }, (_, i) => Buffer.from(`answer ${i % 10}\r\n`));
export const SEPARATOR = Buffer.from("\r\n\r\n");
export const SETTINGS = { noDelay: true, backlog: 1024 };

/** What a TLS server has to show. */
export function identity() {
  const { BENCH_CERT, BENCH_KEY } = process.env;
  return { cert: readFileSync(BENCH_CERT), key: readFileSync(BENCH_KEY) };
}

/** The end of the load is no failure. */
export const isExpected = ({ code }) =>
  ["ECONNRESET", "EPIPE", "ECONNREFUSED", "ERR_STREAM_PREMATURE_CLOSE"].includes(code);

export function tellPort(port) {
  // The memory of idle connections is measured without garbage.
  if (globalThis.gc) process.on("SIGURG", () => globalThis.gc());
  console.log(port);
}

/** `roles`: what to do with a socket, by the name of the role, for TLS without its `tls-`. */
export function runOnSockets(roles) {
  const isTls = role.startsWith("tls-");
  const serve = roles[isTls ? role.slice(4) : role];
  if (role === "connect") {
    tellPort(0);
    for (let i = 0; i < CLIENTS; i++)
      serve(() => connect({ port: Number(loadPort), host: "127.0.0.1", noDelay: true }));
    return;
  }
  const onSocket = (socket) => {
    socket.on("error", (error) => {
      if (!isExpected(error)) throw error;
      socket.destroy();
    });
    serve(socket);
  };
  const options = { noDelay: true, allowHalfOpen: true };
  const server = isTls
    ? createTlsServer({ ...options, ...identity() }, onSocket)
    : createServer(options, onSocket);
  if (isTls) server.on("tlsClientError", () => {});
  server.listen({ host: "127.0.0.1", port: 0, backlog: SETTINGS.backlog }, () =>
    tellPort(server.address().port),
  );
}
