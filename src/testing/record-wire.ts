/** Notes what goes over a connection. */
import { toBytes, toBytesList } from "../bytes/to-bytes.js";
import { checkOptions } from "../checks.js";
import { kindOf } from "../describe.js";
import { StreamReader } from "../streams/stream-reader.js";
import { StreamWriter } from "../streams/stream-writer.js";
import type { StartableTransport } from "../transport/transport.js";
import { checkMasks, type Mask } from "./masks.js";
import type { ScriptedEnd } from "./play-script.js";
import { WireNotes } from "./wire-notes.js";

/** What `recordWire()` takes besides the connection. */
export interface RecordWireOptions {
  /**
   * What stands in the transcript as `<secret>`: strings and bytes wherever they are, and what a RegExp matches (`/(?<=PASS )\S+/`).
   * They are looked for in all that went one way, so chunks and answers in between hide nothing from them.
   */
  readonly masks?: readonly Mask[] | undefined;
}

/** A connection whose bytes are noted. */
export interface WireRecording<Recorded extends ScriptedEnd> {
  /** The connection that was given: it goes on as before. */
  readonly connection: Recorded;
  /** What went over it until now, as `parseTranscript()` describes it. */
  readonly transcript: () => string;
}

/**
 * Notes what goes over `connection` from now on: what is written, when it is; what is received, when it comes, whether
 * somebody reads it or not, and first what nobody has read yet. The notes are kept in memory.
 *
 * ```ts
 * const recording = recordWire(await openConnection("mail.example.org", 587), { masks: [password] });
 * await logIn(recording.connection, password);
 * await writeFile("log-in.wire", recording.transcript());
 * ```
 *
 * Over TLS it notes the plain bytes. `replayWire()` plays the other side.
 *
 * @throws TypeError if it is not a connection of this library, or for wrong options; RangeError for an empty mask
 */
export function recordWire<Recorded extends ScriptedEnd>(
  connection: Recorded,
  options?: RecordWireOptions,
): WireRecording<Recorded> {
  const { reader, writer } = Object(connection) as Partial<ScriptedEnd>;
  if (!(reader instanceof StreamReader && writer instanceof StreamWriter)) {
    throw new TypeError(`recordWire() takes a connection, not ${kindOf(connection)}`);
  }
  const { masks = [] } = checkOptions<RecordWireOptions>("recordWire()", options, ["masks"]);
  const patterns = checkMasks(masks);
  const notes = new WireNotes();
  noteReceived(reader, notes);
  noteSent(reader, writer, notes);
  return { connection, transcript: () => notes.write(patterns) };
}

function noteReceived(reader: StreamReader, notes: WireNotes): void {
  const buffer = StreamReader.bufferOf(reader);
  notes.addBytes("<", buffer.queue.peek(buffer.queue.length));
  if (buffer.hasEof) notes.addEnd("< eof");
  wrap(buffer, "feed", (feed) => (data) => {
    notes.addBytes("<", data);
    feed(data);
  });
  wrap(buffer, "offer", (offer) => (bytes) => {
    const taken = offer(bytes);
    if (taken > 0) notes.addBytes("<", bytes.subarray(0, taken));
    return taken;
  });
  wrap(buffer, "feedEof", (feedEof) => () => {
    notes.addEnd("< eof");
    feedEof();
  });
  wrap(buffer, "feedError", (feedError) => (error, first) => {
    notes.addEnd("< reset", String(error));
    feedError(error, first);
  });
}

/** The writer's methods all come down to its transport's, of which `startTls()` gives it another. */
function noteSent(reader: StreamReader, writer: StreamWriter, notes: WireNotes): void {
  noteTransport(writer.transport as StartableTransport, notes);
  wrap(StreamReader.bufferOf(reader), "replaceTransport", (replaceTransport) => (transport) => {
    notes.addComment("TLS from here on");
    noteTransport(transport as StartableTransport, notes);
    replaceTransport(transport);
  });
}

/** What the transport refuses or drops is not noted. */
function noteTransport(transport: StartableTransport, notes: WireNotes): void {
  const unlessClosing = (call: () => void, note: () => void) => {
    const isClosing = transport.isClosing();
    call();
    if (!isClosing) note();
  };
  wrap(transport, "write", (write) => (data) => {
    unlessClosing(
      () => write(data),
      () => notes.addBytes(">", toBytes(data)),
    );
  });
  wrap(transport, "writeLines", (writeLines) => (list) => {
    const lines = toBytesList(list);
    unlessClosing(
      () => writeLines(lines),
      () => lines.forEach((line) => notes.addBytes(">", line)),
    );
  });
  for (const [method, line, comment] of ENDS) {
    wrap(transport, method, (end) => () => unlessClosing(end, () => notes.addEnd(line, comment)));
  }
}

const ENDS = [
  ["writeEof", "> eof", undefined],
  ["close", "> close", undefined],
  ["finish", "> close", undefined],
  ["abort", "> close", "aborted"],
  ["reset", "> close", "reset"],
] as const;

/** Puts another function in the place of a method of this one object. */
function wrap<Target, Name extends keyof Target>(
  target: Target,
  name: Name,
  wrapper: (method: Target[Name]) => Target[Name],
): void {
  const method = target[name] as (...given: unknown[]) => unknown;
  const value = wrapper(method.bind(target) as Target[Name]);
  Object.defineProperty(target, name, { value, configurable: true, writable: true });
}
