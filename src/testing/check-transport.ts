/** Holds a transport, or streams, to the obligations of this library's own. */
import { checkFunction, checkOptions, checkTimeout } from "../checks.js";
import { toError } from "../errors.js";
import { createConnection } from "../streams/connection.js";
import { DEFAULT_LIMIT } from "../streams/receive-buffer.js";
import type { StartableTransport } from "../transport/transport.js";
import { deliveryChecks } from "./transport-checks/delivery.js";
import { endingChecks } from "./transport-checks/ending.js";
import { flowChecks } from "./transport-checks/flow.js";
import { halfCloseChecks } from "./transport-checks/half-close.js";
import { lossChecks } from "./transport-checks/loss.js";
import { resetChecks } from "./transport-checks/reset.js";
import {
  streamChecks,
  type CheckedStreams,
  type StreamCheck,
  type StreamsPair,
} from "./transport-checks/streams.js";
import { pairsOf, type Check, type TransportFeatures, type TransportPair } from "./transport-checks/suite.js";

/**
 * Makes a pair that is connected with each other, a new one each time. `undo` takes what has to be done after the check,
 * such as closing a server.
 */
export type MakePair<Pair extends TransportPair | StreamsPair = TransportPair | StreamsPair> = (
  undo: (action: () => unknown) => void,
) => Promise<Pair>;

/** What `checkTransport()` takes besides the pairs: what the transport promises, and for how long to wait. */
export interface CheckTransportOptions extends Partial<TransportFeatures> {
  /** How long one check may take, in ms. Default 10 000. */
  readonly timeout?: number | undefined;
}

/** One obligation, and what tells whether it is met. */
export interface TransportCheck {
  /** The obligation, in words. */
  readonly name: string;
  /** Rejects with what was seen instead, or when `timeout` has passed. */
  run(): Promise<void>;
}

/** What failed, and why. */
export interface FailedCheck {
  readonly name: string;
  readonly error: Error;
}

/** Obligations that are not met. */
export class TransportCheckError extends Error {
  static {
    this.prototype.name = "TransportCheckError";
  }
  readonly code = "ERR_TRANSPORT_CHECK";
  readonly failures: readonly FailedCheck[];

  constructor(failures: readonly FailedCheck[], count: number) {
    const list = failures.map(
      ({ name, error }) => `  ${name}\n    ${error.message.replaceAll("\n", "\n    ")}`,
    );
    super(`${failures.length} of ${count} obligations are not met:\n${list.join("\n")}`);
    this.failures = failures;
  }
}

const NAMES = ["halfClose", "resets", "mistakesReset", "tellsAbort", "writeBufferLimits", "timeout"] as const;

/**
 * Runs every check on pairs of `makePair`, one after the other, and returns how many obligations are met. Needs no test
 * framework. Pairs of transports are checked as such and then, if they meet all of that, with streams on top of them; pairs
 * of `{ reader, writer }`, which may be anybody's, as streams alone.
 *
 * @throws TransportCheckError that names each obligation that is not met, and what was seen
 */
export async function checkTransport(makePair: MakePair, options?: CheckTransportOptions): Promise<number> {
  const given = checkOptions<CheckTransportOptions>("checkTransport()", options, NAMES);
  checkFunction("makePair", makePair);
  const { ofTransports, ofStreams } = await checksFor(makePair, given);
  await runAll(ofTransports);
  await runAll(ofStreams);
  return ofTransports.length + ofStreams.length;
}

async function runAll(checks: readonly TransportCheck[]): Promise<void> {
  const failures: FailedCheck[] = [];
  for (const check of checks) {
    try {
      await check.run();
    } catch (error) {
      failures.push({ name: check.name, error: toError(error) });
    }
  }
  if (failures.length > 0) throw new TransportCheckError(failures, checks.length);
}

/** The same checks one by one, for a test framework to run as tests of their own. */
export function transportChecks(
  makePair: MakePair<TransportPair>,
  options?: CheckTransportOptions,
): TransportCheck[] {
  const given = checkOptions<CheckTransportOptions>("transportChecks()", options, NAMES);
  checkFunction("makePair", makePair);
  return [...checksOfTransports(makePair, given), ...checksOfStreams(withStreams(makePair), given)];
}

/** Makes one pair to see what it is. */
async function checksFor(makePair: MakePair, given: CheckTransportOptions): Promise<Checks> {
  let checks!: Checks;
  await bounded(timeoutOf(given), async (undo) => {
    const pair = await makePair(undo);
    if (!isOfTransports(pair)) {
      checks = { ofTransports: [], ofStreams: checksOfStreams(makePair as MakePair<StreamsPair>, given) };
      return;
    }
    const { near, far, reset } = pair;
    for (const transport of [near, far]) undo(() => transport.abort());
    const features = {
      halfClose: near.canWriteEof(),
      resets: reset !== undefined,
      writeBufferLimits: near.getWriteBufferLimits(),
      ...given,
    };
    const make = makePair as MakePair<TransportPair>;
    checks = {
      ofTransports: checksOfTransports(make, features),
      ofStreams: checksOfStreams(withStreams(make), features),
    };
  });
  return checks;
}

interface Checks {
  readonly ofTransports: readonly TransportCheck[];
  readonly ofStreams: readonly TransportCheck[];
}

function isOfTransports(pair: TransportPair | StreamsPair): pair is TransportPair {
  return !("reader" in pair.near);
}

function checksOfTransports(
  makePair: MakePair<TransportPair>,
  given: CheckTransportOptions,
): TransportCheck[] {
  const features: TransportFeatures = {
    halfClose: given.halfClose ?? true,
    resets: given.resets ?? false,
    mistakesReset: given.mistakesReset ?? false,
    tellsAbort: given.tellsAbort ?? false,
    writeBufferLimits: given.writeBufferLimits ?? [16_384, 65_536],
  };
  const timeout = timeoutOf(given);
  const checks: TransportCheck[] = [];
  const check: Check = (name, test) => {
    const run = () => bounded(timeout, (undo) => test(pairsOf(() => makePair(undo), undo)));
    checks.push({ name, run });
  };
  for (const group of [deliveryChecks, halfCloseChecks, flowChecks, endingChecks, lossChecks, resetChecks]) {
    group(check, features);
  }
  return checks;
}

function checksOfStreams(makePair: MakePair<StreamsPair>, given: CheckTransportOptions): TransportCheck[] {
  const timeout = timeoutOf(given);
  const checks: TransportCheck[] = [];
  const check: StreamCheck = (name, test) => {
    const run = () =>
      bounded(timeout, async (undo) => {
        const pair = await makePair(undo);
        for (const { writer } of [pair.near, pair.far]) undo(() => writer.close());
        await test(pair);
      });
    checks.push({ name: `streams: ${name}`, run });
  };
  streamChecks(check, given.halfClose ?? true);
  return checks;
}

function withStreams(makePair: MakePair<TransportPair>): MakePair<StreamsPair> {
  return async (undo) => {
    const pair = await makePair(undo);
    const streamsOver = (transport: StartableTransport): CheckedStreams => {
      undo(() => transport.abort());
      return createConnection(transport, { limit: DEFAULT_LIMIT, side: "client" });
    };
    return { near: streamsOver(pair.near), far: streamsOver(pair.far) };
  };
}

function timeoutOf({ timeout = 10_000 }: CheckTransportOptions): number {
  return checkTimeout("timeout", timeout);
}

/** Runs `run`, and afterwards what it has left to be undone, in reverse order; all of it in `timeout` ms. */
async function bounded(
  timeout: number,
  run: (undo: (action: () => unknown) => void) => Promise<void>,
): Promise<void> {
  const actions: (() => unknown)[] = [];
  const work = async () => {
    try {
      await run((action) => void actions.push(action));
    } finally {
      for (let action = actions.pop(); action !== undefined; action = actions.pop()) await action();
    }
  };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`it was not met within ${timeout} ms`));
      for (const action of actions.splice(0).toReversed()) action();
    }, timeout);
  });
  try {
    await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}
