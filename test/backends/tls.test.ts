import { versions } from "node:process";
import { ChannelTransport } from "#src/backends/channel-transport.js";
import { MemoryChannel } from "#src/testing/network/socket-channel.js";
import { makeAuthority } from "../support/certificates.js";
import { accepting, connecting, LOOPBACK } from "../support/socket-pairs.js";
import { overDuplexes, overWebStreams } from "../support/stream-pairs.js";
import { withTls, type TlsPairOptions } from "../support/tls-pairs.js";
import { describeTransport, TLS, type Features, type MakeTransports as MakePair } from "./conformance.js";

const ONE = { kind: "tcp", address: "127.0.0.1", port: 1, family: 4 } as const;

const overTcp = connecting(async () => LOOPBACK);
const inMemory: MakePair = async () => {
  const [near, far] = MemoryChannel.pair(ONE, { ...ONE, port: 2 });
  return { near: new ChannelTransport(near), far: new ChannelTransport(far), reset: () => far.reset() };
};

const isDeno = versions["deno"] !== undefined;
const isOldNode = !isDeno && versions["bun"] === undefined && Number(versions.node.split(".")[0]) < 24;

const authority = makeAuthority();
const BRIDGED: Features = { ...TLS, resets: true };
const OVER_WEB_STREAMS: Features = { ...TLS, resets: false, tellsAbort: true };
const NATIVE: Features = { ...BRIDGED, mistakesReset: isDeno || isOldNode };

const cases: readonly [name: string, pair: MakePair, options: TlsPairOptions, features: Features][] = [
  ["a client", overTcp, { side: "client", truncation: "ignore" }, NATIVE],
  ["a server", accepting, { side: "server", truncation: "ignore" }, NATIVE],
  ["a client of TLS 1.2", overTcp, { side: "client", truncation: "ignore", version: "TLSv1.2" }, NATIVE],
  ["a client that reports truncation", overTcp, { side: "client", truncation: "report" }, BRIDGED],
  ["a server that reports truncation", accepting, { side: "server", truncation: "report" }, BRIDGED],
  ["in memory", inMemory, { side: "client", truncation: "ignore" }, BRIDGED],
  ["over a Duplex", overDuplexes, { side: "client", truncation: "ignore" }, BRIDGED],
  ["over Web Streams", overWebStreams, { side: "client", truncation: "ignore" }, OVER_WEB_STREAMS],
];
for (const [name, pair, options, features] of cases) {
  describeTransport(`a transport over TLS, ${name}`, withTls(pair, authority, options), features);
}
describeTransport(
  "a transport over TLS inside TLS",
  withTls(withTls(overTcp, authority, { side: "client", truncation: "ignore" }), authority, {
    side: "client",
    truncation: "ignore",
  }),
  { ...TLS, resets: false },
);
