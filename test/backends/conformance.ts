/** The obligations of every transport, as tests. */
import { describe, it } from "node:test";
import {
  transportChecks,
  type CheckTransportOptions,
  type MakePair,
  type TransportPair,
} from "#src/testing/index.js";

/** What a kind of pair has. */
export type Features = CheckTransportOptions;

export type MakeTransports = MakePair<TransportPair>;

/** TLS: no direction ends alone, and the marks are higher. */
export const TLS: Features = { halfClose: false, writeBufferLimits: [131_072, 524_288] };

/** What the pairs of `makePair` do. */
export function describeTransport(name: string, makePair: MakeTransports, features: Features): void {
  describe(name, () => {
    for (const check of transportChecks(makePair, { timeout: 60_000, ...features }))
      it(check.name, () => check.run());
  });
}
