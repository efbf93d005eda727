/** What is made into the streams of others. */
import { kindOf } from "../describe.js";
import type { StreamReader } from "../streams/stream-reader.js";
import type { StreamWriter } from "../streams/stream-writer.js";

/** A connection, or the reader and writer of one, as a server's callback gets them. */
export interface ConnectionHalves {
  readonly reader: StreamReader;
  readonly writer: StreamWriter;
}

/** @throws TypeError if it is no connection */
export function checkConnection(method: string, connection: unknown): ConnectionHalves {
  const { reader, writer } = Object(connection) as Partial<ConnectionHalves>;
  if (typeof reader?.chunks === "function" && typeof writer?.drain === "function") return { reader, writer };
  throw new TypeError(`${method}() takes a connection, not ${kindOf(connection)}`);
}
