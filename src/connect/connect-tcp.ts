/** From a host to one connected transport: resolve, order, race. */
import { OSError, toError, type ConnectionAttempt } from "../errors.js";
import type { Backend } from "../transport/backend.js";
import type { TcpEndpoint } from "../transport/endpoint.js";
import type { StartableTransport } from "../transport/transport.js";
import { connectFailure } from "./connect-failure.js";
import { interleave } from "./interleave.js";
import { LOOPBACK, resolveHost, type LookupFunction } from "./resolve-host.js";
import { staggeredRace } from "./staggered-race.js";

/** Where to connect, checked and complete. */
export interface TcpTarget {
  readonly host: string | undefined;
  readonly port: number;
  readonly family: 0 | 4 | 6;
  readonly flags: number;
  readonly localAddr: readonly [host: string, port: number] | undefined;
  readonly happyEyeballsDelay: number | undefined;
  readonly interleave: number;
  readonly allErrors: boolean;
  readonly lookup: LookupFunction | undefined;
}

/** Nothing is left open when it rejects: with the signal's reason, a resolver's error, or what `connectFailure` makes. */
export async function connectTcp(
  backend: Backend,
  target: TcpTarget,
  signal: AbortSignal,
): Promise<StartableTransport> {
  const { family, flags, lookup, localAddr, allErrors } = target;
  const resolving = { family, flags, lookup, signal, noHost: LOOPBACK };
  const [remotes, locals] = await Promise.all([
    resolveHost(backend, target.host, target.port, resolving),
    localAddr === undefined ? undefined : resolveHost(backend, localAddr[0], localAddr[1], resolving),
  ]);
  const ordered = interleave(remotes, target.interleave);
  const result = await staggeredRace(
    ordered.map((remote) => (aborted: AbortSignal) => connectFrom(backend, locals, remote, aborted)),
    {
      clock: backend.clock,
      delay: target.happyEyeballsDelay,
      signal,
      discard: (transport: StartableTransport) => transport.abort(),
    },
  );
  if ("prize" in result) return result.prize;
  const attempts = result.failures.map(({ startedAt, failedAt, error }, index): ConnectionAttempt => {
    const { address, port } = ordered[index]!;
    return {
      address,
      port,
      startedAt,
      failedAt,
      error: toError(error),
    };
  });
  throw connectFailure(attempts, allErrors);
}

/** Connects from the first of the local addresses of the same family that can be bound. */
async function connectFrom(
  backend: Backend,
  locals: readonly TcpEndpoint[] | undefined,
  remote: TcpEndpoint,
  signal: AbortSignal,
): Promise<StartableTransport> {
  if (locals === undefined) return backend.connect(remote, { signal });
  let failure: unknown = new OSError(`no matching local address with family=${remote.family} found`, {
    code: "EADDRNOTAVAIL",
  });
  for (const local of locals.filter(({ family }) => family === remote.family)) {
    try {
      return await backend.connect(remote, { signal, local });
    } catch (error) {
      if (!(error instanceof OSError && error.syscall === "bind")) throw error;
      failure = error;
    }
  }
  throw failure;
}
