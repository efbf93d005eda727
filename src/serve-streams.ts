/** Serving with streams: what is made of each connection of a server, and who gets it. */
import { ConnectionServer } from "./server/server.js";
import type { Connection } from "./streams/connection.js";
import { ConnectionHandler, type ConnectionHandlerOptions } from "./streams/connection-handler.js";
import type { StreamReader } from "./streams/stream-reader.js";
import type { StreamWriter } from "./streams/stream-writer.js";
import type { Listener } from "./transport/backend.js";
import type { LazySignal } from "./waiting/lazy-signal.js";

/** As `asyncio.Server`. `startServer()` and `startUnixServer()` make it. */
export class Server extends ConnectionServer<Connection> {}

/** What a callback may want to know besides its streams. */
export interface ConnectionContext {
  /**
   * Aborts when the connection is lost, with that error, or has ended, with a ConnectionAbortedError; and when
   * `server.shutdown()` begins, with another one, while the connection goes on. That the peer has ended its direction alone
   * does not abort it, nor does `server.close()`. Made when it is first asked for.
   */
  readonly signal: AbortSignal;
  /** The server that accepted the connection. */
  readonly server: Server;
}

/**
 * Called for each connection. If it returns a promise, the connection is closed when that has settled; if it returns
 * nothing, the connection stays open until somebody closes it.
 */
export type ClientConnectedCallback = (
  reader: StreamReader,
  writer: StreamWriter,
  context: ConnectionContext,
) => unknown;

export interface ServeSettings {
  /** `null`: the connections are taken from `server.connections()`. */
  readonly callback: ClientConnectedCallback | null;
  readonly handling: ConnectionHandlerOptions;
  readonly backlog: number;
  readonly startServing: boolean;
  readonly maxConnections: number | undefined;
  readonly whenFull: "wait" | "refuse";
}

export async function serveStreams(
  listeners: readonly Listener[],
  { callback, handling, backlog, startServing, maxConnections, whenFull }: ServeSettings,
): Promise<Server> {
  // As the systems do for a backlog of 0.
  const mostHeld = Math.max(1, backlog);
  const handler = new ConnectionHandler(
    ({ reader, writer }, life) => callback?.(reader, writer, new LazyContext(life, server)),
    handling,
  );
  const options = {
    places: { most: maxConnections ?? Infinity, mostHeld: whenFull === "wait" ? mostHeld : 0 },
    // With a limit their places are all there is to wait in.
    mostWaiting: callback !== null ? undefined : maxConnections === undefined ? mostHeld : Infinity,
  };
  const server = new Server(listeners, handler, options, handling.clock);
  if (startServing) await server.startServing();
  return server;
}

class LazyContext implements ConnectionContext {
  readonly #life: LazySignal;
  readonly server: Server;

  constructor(life: LazySignal, server: Server) {
    this.#life = life;
    this.server = server;
  }

  get signal(): AbortSignal {
    return this.#life.signal;
  }
}
