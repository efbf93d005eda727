/** The public types as a user meets them. The compiler checks them; nothing of `useTypes` runs. */
import assert from "node:assert/strict";
import dns from "node:dns";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import {
  ConnectionAttemptsError,
  ConnectionError,
  ConnectionRefusedError,
  deadline,
  frames,
  IncompleteReadError,
  lengthPrefixed,
  LimitOverrunError,
  listenFds,
  openConnection,
  openUnixConnection,
  OSError,
  readFrame,
  socketPair,
  startServer,
  startUnixServer,
  StreamReader,
  writeFrame,
  type BytesLike,
  type CipherInfo,
  type ClientConnectedCallback,
  type Connection,
  type ConnectionAttempt,
  type Deadline,
  type FrameFormat,
  type LinesOptions,
  type ConnectionContext,
  type InheritedSocket,
  type LookupFunction,
  type OpenConnectionOptions,
  type Server,
  type ShutdownResult,
  type SocketAddress,
  type StreamWriter,
  type Transport,
  type TransportSocket,
  type WaitOptions,
} from "asyncio-streams";

type Bytes = Buffer<ArrayBuffer>;

/** Compiles only if `Actual` is exactly `Expected`. */
function isType<Expected>() {
  return <const Actual>(_value: Actual, ..._same: Same<Actual, Expected>) => {};
}
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : ["not the expected type"];

async function useConnections(socket: Socket): Promise<void> {
  const [reader, writer] = await openConnection("127.0.0.1", 8888);
  isType<StreamReader>()(reader);
  isType<StreamWriter>()(writer);
  const { reader: sameReader, writer: sameWriter } = await openConnection("127.0.0.1", 8888);
  isType<StreamReader>()(sameReader);
  isType<StreamWriter>()(sameWriter);
  await using connection = await openConnection({ sock: socket });
  isType<Connection>()(connection);
  await using onlyWriter = writer;
  isType<StreamWriter>()(onlyWriter);

  await openConnection(null, "8888", { family: 6, timeout: 1_000, signal: AbortSignal.timeout(5) });
  await openConnection("x.test", 80, { localAddr: ["127.0.0.1", 0], proto: 6, flags: dns.ADDRCONFIG });
  await openConnection("x.test", 80, { lookup: dns.lookup, happyEyeballsDelay: 250, interleave: 2 });
  await openConnection("x.test", 80, { lookup: async () => [{ address: "127.0.0.1", family: 4 }] });
  await openConnection("x.test", 80, { lookup: dns.promises.lookup });
  await openUnixConnection("/tmp/s");
  await openUnixConnection(Buffer.from("/tmp/s"), { limit: 1_024 });
  await openUnixConnection(new URL("file:///tmp/s"));
  await openUnixConnection({ sock: socket });
  isType<[Socket, Socket]>()(await socketPair());

  // @ts-expect-error a connection is frozen
  connection[0] = reader;
  // @ts-expect-error options come last
  await openConnection({ limit: 1 }, "127.0.0.1", 80);
  // @ts-expect-error a port is a number or a string of digits
  await openConnection("127.0.0.1", true);
  // @ts-expect-error Python's names are camelCased here
  await openConnection("127.0.0.1", 80, { happy_eyeballs_delay: 250 });
  // @ts-expect-error 46 is no family
  await openConnection("127.0.0.1", 80, { family: 46 });
  // @ts-expect-error an address to bind has a port
  await openConnection("127.0.0.1", 80, { localAddr: ["127.0.0.1"] });
  // @ts-expect-error the signal, not its controller
  await openConnection("127.0.0.1", 80, { signal: new AbortController() });
  // @ts-expect-error a path has no family
  await openUnixConnection("/tmp/s", { family: 4 });
  // @ts-expect-error a number is no path
  await openUnixConnection(8888);
}

async function useReader(reader: StreamReader): Promise<void> {
  isType<Bytes>()(await reader.read());
  isType<Bytes>()(await reader.read(5));
  isType<Bytes>()(await reader.readExactly(5));
  isType<Bytes>()(await reader.readLine());
  isType<Bytes>()(await reader.readUntil());
  isType<Bytes>()(await reader.readUntil(["\r\n", Uint8Array.of(0)] as const));
  for await (const line of reader) isType<Bytes>()(line);
  isType<boolean>()(reader.atEof());
  isType<Error | undefined>()(reader.exception());
  const parser = new StreamReader({ limit: 16 });
  parser.feedData(new Uint8Array(5));
  parser.feedEof();
  parser.setException(new Error("x"));

  // @ts-expect-error how many bytes must be said
  await reader.readExactly();
  // @ts-expect-error a number, not a string
  await reader.read("5");
  // @ts-expect-error a regular expression is no separator
  await reader.readUntil(/\n/);
  // @ts-expect-error a reader is fed bytes
  parser.feedData("text");
  // @ts-expect-error what is given up on is an Error
  parser.setException("x");
}

async function useOtherReads(reader: StreamReader, writer: StreamWriter): Promise<void> {
  using limit = deadline(5_000);
  isType<Deadline>()(limit);
  isType<boolean>()(limit.extend(1_000));
  const bounds: WaitOptions = { signal: limit.signal, timeout: 1_000 };
  isType<Bytes>()(await reader.read(5, bounds));
  isType<Bytes>()(await reader.readExactly(5, bounds));
  isType<Bytes>()(await reader.readUntil("\r\n", bounds));
  isType<Bytes>()(await reader.readLine(bounds));
  isType<Bytes>()(await reader.peek(5, bounds));
  isType<Bytes>()(await reader.peekExactly(5, bounds));
  isType<void>()(await reader.discard(5, bounds));
  isType<number>()(await reader.readInto(new DataView(new ArrayBuffer(5)), bounds));
  isType<number>()(await reader.readInto(new Uint8Array(new SharedArrayBuffer(5))));
  isType<void>()(await writer.drain(bounds));
  isType<void>()(await writer.waitClosed(bounds));
  await writer.startTls(true, bounds);
  isType<void>()(reader.unread("text"));
  isType<number>()(reader.bufferedBytes);
  isType<Bytes | undefined>()(reader.tryRead());
  isType<Bytes | undefined>()(reader.tryReadExactly(5));
  isType<Bytes | undefined>()(reader.tryReadLine());
  isType<Bytes | undefined>()(reader.tryReadUntil(["a", "b"]));
  isType<Bytes>()(reader.tryReadLine() ?? (await reader.readLine()));

  for await (const line of reader.lines()) isType<Bytes>()(line);
  for await (const line of reader.lines({ eol: "crlf-strict", keepEnds: true })) isType<Bytes>()(line);
  for await (const line of reader.lines({ encoding: "latin1" })) isType<string>()(line);
  for await (const lines of reader.lines({ batches: true })) isType<Bytes[]>()(lines);
  for await (const lines of reader.lines({ batches: true, encoding: "utf8" })) isType<string[]>()(lines);
  for await (const line of reader.lines({ batches: false, encoding: undefined })) isType<Bytes>()(line);
  const known: LinesOptions = bounds;
  for await (const got of reader.lines(known)) isType<Bytes | string | (Bytes | string)[]>()(got);
  for await (const chunk of reader.chunks(bounds)) isType<Bytes>()(chunk);

  const format = lengthPrefixed({ bytes: 4, endian: "little" });
  isType<FrameFormat>()(format);
  isType<void>()(writeFrame(writer, format, "text"));
  isType<Bytes>()(await readFrame(reader, format, bounds));
  for await (const payload of frames(reader, format, bounds)) isType<Bytes>()(payload);

  // @ts-expect-error bytes are counted
  await reader.peek();
  // @ts-expect-error an ArrayBuffer has no view of its own
  await reader.readInto(new ArrayBuffer(5));
  // @ts-expect-error the signal is an option
  await reader.readLine(limit.signal);
  // @ts-expect-error a read that never waits needs no bounds
  reader.tryReadLine(bounds);
  // @ts-expect-error there are three ends of lines
  reader.lines({ eol: "\r\n" });
  // @ts-expect-error lines have no size
  reader.lines({ size: 5 });
  // @ts-expect-error a length has 1, 2, 4 or 8 bytes
  lengthPrefixed({ bytes: 3 });
}

async function useWriter(writer: StreamWriter): Promise<void> {
  const data: BytesLike[] = ["text", new Uint8Array(1), Buffer.alloc(1)];
  for (const piece of data) isType<void>()(writer.write(piece));
  isType<void>()(writer.writeLines(data));
  isType<void>()(writer.writeLines(new Set(data)));
  isType<void>()(writer.close());
  isType<void>()(writer.writeEof());
  isType<Promise<void>>()(writer.drain());
  isType<Promise<void>>()(writer.waitClosed());
  isType<boolean>()(writer.isClosing());
  isType<boolean>()(writer.canWriteEof());
  isType<Transport>()(writer.transport);

  isType<TransportSocket | undefined>()(writer.getExtraInfo("socket"));
  isType<SocketAddress | undefined>()(writer.getExtraInfo("peername"));
  isType<SocketAddress | null>()(writer.getExtraInfo("sockname", null));
  isType<unknown>()(writer.getExtraInfo("something else"));
  writer.getExtraInfo("socket")?.setNoDelay(false);
  const address = writer.getExtraInfo("peername", "");
  if (typeof address !== "string") isType<string>()(address[0]);
  if (typeof address !== "string") isType<number>()(address[1]);

  isType<[low: number, high: number]>()(writer.transport.getWriteBufferLimits());
  writer.transport.setWriteBufferLimits({ high: 1_024 });
  writer.transport.setWriteBufferLimits();

  // @ts-expect-error a number cannot be written
  writer.write(5);
  // @ts-expect-error a stream of objects is no stream of bytes
  writer.writeLines([{}]);
  // @ts-expect-error marks have names
  writer.transport.setWriteBufferLimits(1_024);
  // @ts-expect-error the transport cannot be exchanged
  writer.transport = new StreamReader();
  // @ts-expect-error the raw socket is not handed out
  writer.getExtraInfo("socket")?.write("x");
}

async function useTls(): Promise<void> {
  const { writer } = await openConnection("x.test", 443, { ssl: true, truncation: "report" });
  isType<string | undefined>()(writer.getExtraInfo("tlsVersion"));
  isType<boolean | undefined>()(writer.getExtraInfo("authorized"));
  isType<CipherInfo | undefined>()(writer.getExtraInfo("cipher"));
  isType<string | null>()(writer.getExtraInfo("alpnProtocol", null));
  isType<Promise<void>>()(writer.startTls(true, { serverHostname: "x.test", buffered: "reject" }));
  await startServer(() => {}, null, 443, { ssl: { cert: "", key: "", ALPNProtocols: ["x"] } });
  // @ts-expect-error a server has to show who it is
  await startServer(() => {}, null, 443, { ssl: true });
  // @ts-expect-error there are three ways
  await openConnection("x.test", 443, { ssl: true, truncation: "maybe" });
  // @ts-expect-error the engine's socket is not the caller's to choose
  await openConnection("x.test", 443, { ssl: { port: 5 } });
}

async function useServers(): Promise<void> {
  const callback: ClientConnectedCallback = (reader, writer) => {
    isType<StreamReader>()(reader);
    isType<StreamWriter>()(writer);
  };
  await using server = await startServer(callback, "127.0.0.1", 0);
  isType<Server>()(server);
  await startServer(async (_reader, writer) => writer.close(), ["127.0.0.1", "::1"], 8888, { backlog: 5 });
  await startServer(callback, null, 8888, { reusePort: true, keepAlive: true, startServing: false });
  await startServer(callback, { sock: { fd: 3 } });
  await startUnixServer(callback, "/tmp/s", { cleanupSocket: false });
  await startServer(callback, "", 80, {
    onError: (error, { phase, peername, writer }) => {
      isType<unknown>()(error);
      isType<"accept" | "handshake" | "callback">()(phase);
      isType<SocketAddress | undefined>()(peername);
      isType<StreamWriter | undefined>()(writer);
    },
  });
  isType<SocketAddress>()(server.sockets[0]!.getsockname());
  isType<boolean>()(server.isServing());
  isType<Promise<void>>()(server.startServing());
  isType<Promise<void>>()(server.serveForever({ signal: AbortSignal.timeout(5) }));
  isType<Promise<void>>()(server.waitClosed());
  isType<void>()(server.close());
  isType<Promise<ShutdownResult>>()(server.shutdown({ grace: 5_000, signal: AbortSignal.timeout(5) }));
  isType<void>()(server.closeClients());
  isType<void>()(server.abortClients());

  const handle: ClientConnectedCallback = (_reader, _writer, context) => {
    isType<ConnectionContext>()(context);
    isType<AbortSignal>()(context.signal);
    isType<Server>()(context.server);
  };
  await startServer(handle, "127.0.0.1", 0, { maxConnections: 5, whenFull: "refuse" });
  const taking = await startServer(null, "127.0.0.1", 0);
  for await (const connection of taking.connections({ timeout: 5 })) isType<Connection>()(connection);
  for (const sock of listenFds({ unsetEnvironment: false })) {
    isType<InheritedSocket>()(sock);
    await startUnixServer(null, { sock });
  }

  // @ts-expect-error there are two ways
  await startServer(handle, "127.0.0.1", 0, { whenFull: "drop" });
  // @ts-expect-error null says that there is no callback
  await startServer(undefined, "127.0.0.1", 0);
  // @ts-expect-error the callback comes first
  await startServer("127.0.0.1", 8888, callback);
  // @ts-expect-error the callback gets a reader and a writer
  await startServer((reader: StreamReader, writer: string) => [reader, writer], "127.0.0.1", 0);
  // @ts-expect-error a server has no limit of time to start
  await startServer(callback, "127.0.0.1", 0, { timeout: 5 });
  // @ts-expect-error the signal is an option
  await server.serveForever(AbortSignal.timeout(5));
  // @ts-expect-error the list of sockets cannot be changed
  server.sockets.push();
}

function useErrors(error: unknown): void {
  if (error instanceof IncompleteReadError) {
    isType<Bytes>()(error.partial);
    isType<number | undefined>()(error.expected);
    isType<"ERR_INCOMPLETE_READ">()(error.code);
  }
  if (error instanceof LimitOverrunError) isType<number>()(error.consumed);
  if (error instanceof OSError) {
    isType<string | undefined>()(error.code);
    isType<number | undefined>()(error.errno);
    isType<readonly ConnectionAttempt[] | undefined>()(error.attempts);
  }
  if (error instanceof ConnectionAttemptsError) {
    isType<readonly ConnectionAttempt[]>()(error.attempts);
    const aggregate: AggregateError = error;
    isType<AggregateError>()(aggregate);
  }
  const refused: ConnectionError = new ConnectionRefusedError("x");
  const system: OSError = refused;
  isType<OSError>()(system);
}

function useOptions(limit: number | undefined, lookup: LookupFunction | undefined): OpenConnectionOptions {
  return { limit, lookup, signal: undefined };
}

describe("the public types", () => {
  it("are as a user meets them", () => {
    const uses = [
      useConnections,
      useReader,
      useOtherReads,
      useWriter,
      useTls,
      useServers,
      useErrors,
      useOptions,
    ];
    assert.ok(uses.every((use) => typeof use === "function"));
  });

  it("agree with what is there at run time", () => {
    const reader = new StreamReader();
    assert.equal(typeof reader[Symbol.asyncIterator], "function");
    assert.ok(new ConnectionRefusedError("x") instanceof ConnectionError);
    assert.ok(new ConnectionRefusedError("x") instanceof OSError);
  });
});
