// What every program on node:net needs around its roles: a server that tells its port, or a client of the load.
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import process from "node:process";
import { createServer as createTlsServer } from "node:tls";

/** The port of the load, for those that connect to it, and how the program is to work, if it knows several ways. */
const [given, port, givenStyle] = process.argv.slice(2);
export const loadPort = Number(port);
export const style = givenStyle;

/** What the program is to do, and whether over TLS. */
export const isTls = given.startsWith("tls-");
export const role = isTls ? given.slice(4) : given;

/** Connections at once of a program that is a client. */
export const CLIENTS = 16;
export const MESSAGE = Buffer.alloc(64, "a");
export const BLOCK = Buffer.alloc(65_536, "b");
/** What is written in one tick for each request. */
export const SMALL_WRITES = Array.from({ length: 100 }, (_, i) => Buffer.from(`answer ${i % 10}\r\n`));
export const SEPARATOR = Buffer.from("\r\n\r\n");
export const BACKLOG = 1024;

/** What a TLS server has to show. */
export function identity() {
  const { BENCH_CERT, BENCH_KEY } = process.env;
  return { cert: readFileSync(BENCH_CERT), key: readFileSync(BENCH_KEY) };
}

/** The end of the load is no failure. */
export const isExpected = ({ code }) =>
  ["ECONNRESET", "EPIPE", "ECONNREFUSED", "ERR_STREAM_PREMATURE_CLOSE"].includes(code);

function throwUnexpected(error) {
  if (!isExpected(error)) throw error;
}

export function tellPort(port) {
  // The memory of idle connections is measured without garbage.
  if (globalThis.gc) process.on("SIGURG", () => globalThis.gc());
  console.log(port);
}

/** To the load, as a client. */
export const connectToLoad = () => connect({ port: loadPort, host: "127.0.0.1", noDelay: true });

/** `roles`: what to do with a socket, by the name of the role. A promise may reject at the end of the load. */
export function runOnSockets(roles) {
  const serve = roles[role];
  if (role === "connect") {
    tellPort(0);
    for (let i = 0; i < CLIENTS; i++) serve(connectToLoad);
    return;
  }
  const onSocket = (socket) => {
    socket.on("error", (error) => {
      throwUnexpected(error);
      socket.destroy();
    });
    serve(socket)?.catch(throwUnexpected);
  };
  const options = { noDelay: true, allowHalfOpen: true };
  const server = isTls
    ? createTlsServer({ ...options, ...identity() }, onSocket)
    : createServer(options, onSocket);
  if (isTls) server.on("tlsClientError", () => {});
  server.listen({ host: "127.0.0.1", port: 0, backlog: BACKLOG }, () => tellPort(server.address().port));
}
