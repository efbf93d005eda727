/** TLS through the proxy: at each position of the handshake, and of the data behind it. */
import assert from "node:assert/strict";
import { versions } from "node:process";
import { describe, it } from "node:test";
import { createSecureContext } from "node:tls";
import {
  openConnection,
  startServer,
  type Server,
  type StreamReader,
  type StreamWriter,
  type Truncation,
} from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import { patternBytes } from "../support/bytes.js";
import { makeAuthority } from "../support/certificates.js";
import { faultProxy, type Direction, type Fault, type FaultProxy } from "../support/fault-proxy.js";
import {
  atEach,
  DIRECTIONS,
  drainReader,
  nameOfEnd,
  outlastStall,
  positions,
  POSITIONS,
  SHORT,
  type Cleanup,
  type Streams,
} from "./proxied.js";

const authority = makeAuthority();
/** A version and a cipher, so that the size of a record is known. */
const EXACT = { minVersion: "TLSv1.3", ciphers: "TLS_AES_256_GCM_SHA384" } as const;
const CLIENT = { secureContext: createSecureContext({ ca: authority.cert, ...EXACT }) };
const SERVER = { secureContext: createSecureContext({ ...authority.issue(), ...EXACT }) };

/** How TLS comes to be, and what is made of an end without close_notify. */
interface Way {
  readonly by: "ssl" | "startTls";
  readonly truncation: Truncation;
}

const TRUNCATIONS: readonly Truncation[] = ["ignore", "report", "error"];

/** Every so many positions, unless all are asked for: a handshake costs. */
const STEP = 25;

/** Over native TLS these runtimes take an RST that comes together with data for the end. */
const MISTAKES_RST_FOR_FIN =
  versions["deno"] !== undefined ||
  (versions["bun"] === undefined && Number(versions.node.split(".")[0]) < 24);

const UPGRADE = "STARTTLS\n";
const GO = "go\n";

/** In ms: how long each end gives a handshake, and the line before it. */
interface Limits {
  readonly client?: number;
  readonly clientLine?: number;
  readonly server?: number;
  readonly serverLine?: number;
}

/** For the end that a stall holds up. The other one must not run into a limit. */
function limitsFor(way: Way, { kind, direction, after }: Fault): Limits {
  if (kind !== "stall") return {};
  const end = direction === "toServer" ? "server" : "client";
  return { [isPlain(way, direction, after) ? `${end}Line` : end]: SHORT };
}

/** Both ends of one connection through a proxy. */
interface Ends {
  readonly server: Server;
  readonly proxy: FaultProxy;
  /** Each is secured, or has the error that it got instead. */
  readonly client: Promise<Streams>;
  readonly accepted: Promise<Streams>;
}

async function openEnds(
  cleanup: Cleanup,
  way: Way,
  fault: Fault | undefined,
  limits: Limits = {},
): Promise<Ends> {
  const { by, truncation } = way;
  const serverTls = { truncation, sslHandshakeTimeout: limits.server };
  let resolve!: (streams: Streams) => void;
  let reject!: (error: unknown) => void;
  const accepted = new Promise<Streams>((...settle) => ([resolve, reject] = settle));
  const serve = async (reader: StreamReader, writer: StreamWriter) => {
    if (by === "startTls") {
      await expectLine(reader, UPGRADE, limits.serverLine);
      writer.write(GO);
      await writer.startTls(SERVER, serverTls);
    }
    resolve({ reader, writer });
    await nameOfEnd(writer.waitClosed());
  };
  const server = await startServer(serve, "127.0.0.1", 0, {
    onError: reject,
    ...(by === "ssl" ? { ssl: SERVER, ...serverTls } : {}),
  });
  cleanup(async () => {
    server.close();
    server.abortClients();
    await server.waitClosed();
  });
  const proxy = await faultProxy(cleanup, portOf(server), fault);
  return { server, proxy, client: connectSecurely(proxy.port, way, limits), accepted };
}

async function connectSecurely(port: number, { by, truncation }: Way, limits: Limits = {}): Promise<Streams> {
  const tls = { truncation, sslHandshakeTimeout: limits.client, serverHostname: "localhost" };
  if (by === "ssl") return openConnection("127.0.0.1", port, { ssl: CLIENT, ...tls });
  const { reader, writer } = await openConnection("127.0.0.1", port);
  try {
    writer.write(UPGRADE);
    await expectLine(reader, GO, limits.clientLine);
    await writer.startTls(CLIENT, tls);
    return { reader, writer };
  } catch (error) {
    writer.close();
    throw error;
  }
}

class NoUpgrade extends Error {
  override readonly name = "NoUpgrade";
}

async function expectLine(
  reader: StreamReader,
  expected: string,
  timeout: number | undefined,
): Promise<void> {
  const line = (await reader.readLine({ timeout })).toString();
  if (line !== expected) throw new NoUpgrade(line);
}

/** Name and message of the error that `waiting` rejects with, or "secure". */
function howItWent(waiting: Promise<unknown>): Promise<string> {
  return waiting.then(
    () => "secure",
    ({ name, message }: Error) => `${name}: ${message}`,
  );
}

/** How a handshake ends for an end, as `howItWent()` tells it. */
const SECURE = /^secure$/;
const GONE = /^ConnectionResetError: The peer ended the connection during the TLS handshake$/;
const LOST =
  /^(ConnectionResetError: (read|write) ECONNRESET|BrokenPipeError: write EPIPE|ConnectionResetError: The peer ended the connection during the TLS handshake)$/;
const TOO_LONG = /^TlsHandshakeTimeoutError: TLS handshake is taking longer than 30 ms/;
const NO_LINE = /^TimeoutError: readLine\(\) did not end within 30 ms$/;
const noUpgrade = (line: string) => new RegExp(`^NoUpgrade: ${line}$`);

/** What comes before TLS in a direction. */
function plainPart({ by }: Way, direction: Direction): string {
  return by === "ssl" ? "" : direction === "toServer" ? UPGRADE : GO;
}

function isPlain(way: Way, direction: Direction, after: number): boolean {
  return after < plainPart(way, direction).length;
}

/** What each end must make of a fault before it is secured. */
function handshakeModel(way: Way, fault: Fault): { client: RegExp; server: RegExp } {
  const { kind, direction, after } = fault;
  if (kind === "reset") return { client: LOST, server: LOST };
  if (kind !== "cut" && kind !== "stall") return { client: SECURE, server: SECURE };
  const plain = isPlain(way, direction, after);
  const inVain = kind === "stall" ? (plain ? NO_LINE : TOO_LONG) : undefined;
  const cut = plain ? noUpgrade(plainPart(way, direction).slice(0, after)) : GONE;
  if (direction === "toClient") return { client: inVain ?? cut, server: LOST };
  return { client: plain ? noUpgrade("") : LOST, server: inVain ?? cut };
}

/** Sizes in bytes: what one write carries, what becomes of it on the wire, and close_notify there. */
const MESSAGE = 28;
const RECORD = MESSAGE + 22;
const CLOSE_NOTIFY = 24;
const MESSAGES = 4;
const CONVERSATION = MESSAGES * RECORD + CLOSE_NOTIFY;
/** The first and the last byte of a record. */
const BORDERS = [1, RECORD - 1, RECORD, RECORD + 1, MESSAGES * RECORD, CONVERSATION - 1];
const DATA = patternBytes(MESSAGES * MESSAGE);

/** One record a message, then the end. */
async function send({ writer }: Streams): Promise<void> {
  for (let start = 0; start < DATA.length; start += MESSAGE) {
    writer.write(DATA.subarray(start, start + MESSAGE));
    await writer.flush();
  }
  writer.close();
  await writer.waitClosed();
}

/** One round trip: nothing of the handshake, such as its tickets, is under way any more. */
async function greet(client: Streams, server: Streams): Promise<void> {
  client.writer.write("ready");
  await server.reader.readExactly(5);
  server.writer.write("ready");
  await client.reader.readExactly(5);
}

/** What both ends must make of a fault after the handshake. */
interface DataModel {
  /** How many the receiver gets, in whole messages. */
  readonly bytes: number;
  /** How that ends for it, and whether with close_notify. */
  readonly end: RegExp;
  readonly isWhole: boolean;
  readonly sender: RegExp;
}

function dataModel({ truncation }: Way, { kind, after }: Fault): DataModel {
  const isWhole = after >= CONVERSATION || (kind !== "cut" && kind !== "reset");
  const bytes = isWhole ? DATA.length : Math.min(MESSAGES, Math.floor(after / RECORD)) * MESSAGE;
  if (kind !== "reset") {
    const isError = !isWhole && truncation === "error";
    return { bytes, isWhole, end: isError ? /^TlsTruncationError$/ : /^end$/, sender: /^done$/ };
  }
  const mayPassForEnd = isWhole || (truncation === "ignore" && MISTAKES_RST_FOR_FIN);
  return {
    bytes,
    isWhole,
    end: mayPassForEnd
      ? /^(end|ConnectionResetError|BrokenPipeError)$/
      : /^(ConnectionReset|BrokenPipe)Error$/,
    // Native TLS waits for no answer to its end, so the sender may be done before the reset comes to it.
    sender:
      isWhole || truncation === "ignore"
        ? /^(done|ConnectionResetError|BrokenPipeError)$/
        : /^(ConnectionReset|BrokenPipe)Error$/,
  };
}

const FAULTS = {
  cut: [
    "both get a ConnectionResetError",
    "whole records, then what the end without close_notify is told as",
  ],
  reset: ["both get a ConnectionResetError", "whole records, then ConnectionResetError, at both ends"],
  stall: [
    "who waits in vain runs into its limit, the other one hears of the end",
    "a read runs into its timeout and takes nothing; afterwards all is there",
  ],
  dribble: ["it succeeds", "all bytes, and the end"],
  slow: ["it succeeds", "all bytes, and the end"],
} as const;

/** The suites of one way to get TLS. */
export function describeTls(by: Way["by"]): void {
  for (const truncation of TRUNCATIONS) describeWay({ by, truncation });
}

function describeWay(way: Way): void {
  const { by, truncation } = way;
  describe(`TLS by ${by}, truncation: "${truncation}", through a proxy that does harm`, () => {
    for (const [kind, [ofHandshake, ofData]] of Object.entries(FAULTS) as [
      keyof typeof FAULTS,
      readonly string[],
    ][]) {
      for (const direction of DIRECTIONS) {
        it(`${kind} ${direction} after each of the first ${POSITIONS} bytes of the handshake: ${ofHandshake}`, () =>
          atEach(positions(POSITIONS, STEP), async (after, cleanup) => {
            const fault = { kind, direction, after };
            const { server, proxy, client, accepted } = await openEnds(
              cleanup,
              way,
              fault,
              limitsFor(way, fault),
            );
            const [ours, theirs] = await Promise.all([howItWent(client), howItWent(accepted)]);
            const expected = handshakeModel(way, fault);
            assert.match(ours, expected.client, "the client");
            assert.match(theirs, expected.server, "the server");
            proxy.release();
            if (ours === "secure") (await client).writer.close();
            if (kind !== "stall") await assertServes(server, way, after);
          }));

        it(`${kind} ${direction} after each of the first ${CONVERSATION} bytes behind it: ${ofData}`, () =>
          atEach(positions(CONVERSATION, STEP, BORDERS), async (after, cleanup) => {
            const { server, proxy, ...ends } = await openEnds(cleanup, way, undefined);
            const [client, accepted] = await Promise.all([ends.client, ends.accepted]);
            await greet(client, accepted);
            const fault = { kind, direction, after };
            const passage = proxy[direction];
            const before = passage.passed;
            proxy.inflict(fault);
            const [sender, receiver] = direction === "toServer" ? [client, accepted] : [accepted, client];
            const sending = send(sender).then(
              () => "done",
              (error: Error) => error.name,
            );
            if (kind === "stall" && after < CONVERSATION) {
              await outlastStall(proxy, (limit) => receiver.reader.readExactly(1_000, limit));
            }
            const { received, end } = await drainReader(receiver.reader);
            receiver.writer.close();
            const closed = await nameOfEnd(receiver.writer.waitClosed());
            proxy.release();
            const expected = dataModel(way, fault);
            assert.ok(received.equals(DATA.subarray(0, expected.bytes)), `${received.length} bytes`);
            assert.match(end, expected.end);
            assert.match(
              closed,
              end === "end"
                ? kind === "reset"
                  ? /^(closed|ConnectionResetError)$/
                  : /^closed$/
                : expected.end,
            );
            assert.match(await sending, expected.sender, "the sender");
            assert.equal(passage.passed - before, kind === "cut" || kind === "reset" ? after : CONVERSATION);
            const told = truncation === "ignore" ? undefined : expected.isWhole;
            assert.equal(receiver.writer.getExtraInfo("closeNotifyReceived"), told);
            await assertServes(server, way, after);
          }));
      }
    }
  });
}

/** Others are served as ever. */
async function assertServes(server: Server, way: Way, position: number): Promise<void> {
  if (position % 50 !== 0) return;
  const { writer } = await connectSecurely(portOf(server), way);
  writer.close();
  await writer.waitClosed();
}
