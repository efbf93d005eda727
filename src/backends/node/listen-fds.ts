/** Listening sockets that the process was started with: socket activation, as systemd does it. */
import { checkBoolean, checkOptions } from "../../checks.js";

/** A listening socket that was handed over. It can be the `sock` of a server. */
export interface InheritedSocket {
  /** Its descriptor, from 3 on. */
  readonly fd: number;
  /** Its name, such as the `FileDescriptorName=` of its unit; `"unknown"` if there are no names. */
  readonly name: string;
}

/** What `listenFds()` takes. */
export interface ListenFdsOptions {
  /** Whether the variables are removed from `process.env`, so that child processes do not see them. Default true. */
  readonly unsetEnvironment?: boolean | undefined;
}

/** Where they begin: behind the standard ones. */
const FIRST = 3;
/** More descriptors than a process on Linux can have by default. */
const MOST = 2 ** 20;

const VARIABLES = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] as const;

/**
 * The listening sockets that systemd, or another who does the same, has opened for this process, in their order; none if
 * the environment does not say so, or says it to another process. As `sd_listen_fds_with_names`.
 *
 * ```ts
 * const [sock] = listenFds();
 * const server = sock === undefined ? await startServer(serve, "127.0.0.1", 8888) : await startServer(serve, { sock });
 * ```
 *
 * A second call finds nothing any more, unless the first one left the variables.
 *
 * @throws RangeError if a variable is malformed, or the number of names is wrong; the variables are removed then too
 * @throws TypeError for wrong options
 */
export function listenFds(options?: ListenFdsOptions): readonly InheritedSocket[] {
  const given = checkOptions<ListenFdsOptions>("listenFds()", options, ["unsetEnvironment"]);
  const { unsetEnvironment = true } = given;
  checkBoolean("unsetEnvironment", unsetEnvironment);
  const { LISTEN_PID: pid, LISTEN_FDS: count, LISTEN_FDNAMES: names } = process.env;
  if (unsetEnvironment) for (const name of VARIABLES) delete process.env[name];
  if (pid === undefined || count === undefined) return [];
  if (toNumber("LISTEN_PID", pid, Number.MAX_SAFE_INTEGER) !== process.pid) return [];
  return toSockets(toNumber("LISTEN_FDS", count, MOST), names);
}

function toSockets(count: number, names: string | undefined): readonly InheritedSocket[] {
  const list = count === 0 ? [] : (names?.split(":") ?? Array.from({ length: count }, () => "unknown"));
  if (list.length !== count) {
    throw new RangeError(
      `LISTEN_FDNAMES must have ${count} names, as LISTEN_FDS says, got ${JSON.stringify(names)}`,
    );
  }
  return list.map((name, index) => ({ fd: FIRST + index, name }));
}

function toNumber(name: string, text: string, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Infinity;
  if (value <= most) return value;
  throw new RangeError(`${name} must be a whole number from 0 to ${most}, got ${JSON.stringify(text)}`);
}
