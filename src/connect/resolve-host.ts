/** From a host and a port to the addresses they stand for. */
import { checkFunction } from "../checks.js";
import { kindOf } from "../describe.js";
import { NameResolutionError, OSError } from "../errors.js";
import type { Backend, HostAddress } from "../transport/backend.js";
import type { TcpEndpoint } from "../transport/endpoint.js";
import { unlessAborted } from "../waiting/cancel-scope.js";

/** What a lookup is asked for, as `node:dns` has it. */
export interface LookupOptions {
  readonly all: true;
  readonly family: 0 | 4 | 6;
  readonly hints: number;
}

type LookupAnswer = string | readonly { readonly address: string; readonly family: number }[];

/**
 * Replaces the system's resolver: answers by callback, as `dns.lookup`, or by promise, as `dns.promises.lookup`. Not
 * asked for literal addresses.
 */
export type LookupFunction = (
  host: string,
  options: LookupOptions,
  callback: (error: Error | null, answer: LookupAnswer, family?: number) => void,
) => void | Promise<LookupAnswer | { readonly address: string; readonly family: number }>;

export interface ResolveOptions {
  readonly family: 0 | 4 | 6;
  readonly flags: number;
  readonly lookup?: LookupFunction | undefined;
  readonly signal: AbortSignal;
  /** What no host stands for: the loopback of each family to connect to, any address to listen at. */
  readonly noHost: readonly HostAddress[];
  /** Whether the addresses are to be listened at. Default false. */
  readonly passive?: boolean;
}

export const LOOPBACK: readonly HostAddress[] = [
  { address: "::1", family: 6 },
  { address: "127.0.0.1", family: 4 },
];
export const ANY_ADDRESS: readonly HostAddress[] = [
  { address: "0.0.0.0", family: 4 },
  { address: "::", family: 6 },
];

/** All addresses of `host`, in the order of preference; there is at least one. */
export async function resolveHost(
  backend: Backend,
  host: string | undefined,
  port: number,
  options: ResolveOptions,
): Promise<TcpEndpoint[]> {
  const addresses = await hostAddresses(backend, host, options);
  if (addresses.length === 0) throw new OSError("getaddrinfo() returned empty list", { code: "ENOTFOUND" });
  return addresses.map(({ address, family }) => ({ kind: "tcp", address, port, family }));
}

async function hostAddresses(
  backend: Backend,
  host: string | undefined,
  { family, flags, lookup, signal, noHost, passive = false }: ResolveOptions,
): Promise<readonly HostAddress[]> {
  if (host === undefined) return noHost.filter((entry) => family === 0 || entry.family === family);
  const literal = ipFamily(host);
  if (literal !== 0) {
    if (family === 0 || family === literal) return [{ address: host, family: literal }];
    throw new NameResolutionError(`${host} is not an address of IPv${family}`, { code: "EAI_ADDRFAMILY" });
  }
  if (lookup === undefined)
    return unlessAborted(backend.lookup(host, { family, hints: flags, passive }), signal);
  const answer = await unlessAborted(ask(lookup, host, { all: true, family, hints: flags }), signal);
  return answer.filter((entry) => family === 0 || entry.family === family);
}

function ask(lookup: LookupFunction, host: string, options: LookupOptions): Promise<readonly HostAddress[]> {
  return new Promise((resolve, reject) => {
    const answered = (answer: unknown, family?: number) => {
      try {
        resolve(toHostAddresses(answer, family));
      } catch (error) {
        reject(error);
      }
    };
    // What is no promise may come back too: dns.lookup returns its request.
    const promise = lookup(host, options, (error, answer, family) => {
      if (error) reject(error);
      else answered(answer, family);
    });
    if (promise instanceof Object && "then" in promise) promise.then((answer) => answered(answer), reject);
  });
}

/** @throws TypeError if a lookup's answer holds anything but addresses */
function toHostAddresses(answer: unknown, family?: number): HostAddress[] {
  const list: unknown[] = Array.isArray(answer)
    ? answer
    : [typeof answer === "string" ? { address: answer, family } : answer];
  return list.map((entry) => {
    const { address } = Object(entry) as { address?: unknown };
    const found = typeof address === "string" ? ipFamily(address.split("%")[0]!) : 0;
    if (found === 0) throw new TypeError(`lookup gave ${kindOf(address)} as an address`);
    return { address: address as string, family: found };
  });
}

/** 4 or 6 for a literal address, 0 for anything else; one with a zone (`fe80::1%eth0`) is for the resolver. */
export function ipFamily(host: string): 0 | 4 | 6 {
  if (/^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/.test(host)) return 4;
  return /^[\da-f:.]*:[\da-f:.]*$/i.test(host) && URL.canParse(`http://[${host}]`) ? 6 : 0;
}

/** 4 or 6, or 0 for both. @throws RangeError */
export function checkFamily(family: unknown): 0 | 4 | 6 {
  if (family === 0 || family === 4 || family === 6) return family;
  if (typeof family !== "number") throw new TypeError(`family must be a number, not ${kindOf(family)}`);
  throw new RangeError(`family must be 0, 4 or 6, got ${family}`);
}

/** @throws RangeError for a bit that is no hint of the resolver */
export function checkFlags(flags: unknown, backend: Backend): number {
  if (typeof flags !== "number") throw new TypeError(`flags must be a number, not ${kindOf(flags)}`);
  if ((flags & backend.lookupHints) === flags) return flags;
  throw new RangeError(`flags must be dns.ADDRCONFIG, dns.V4MAPPED and dns.ALL, or-ed, got ${flags}`);
}

export function checkLookup(lookup: unknown): LookupFunction | undefined {
  return lookup === undefined ? undefined : checkFunction<LookupFunction>("lookup", lookup);
}
