import { ChannelTransport } from "#src/backends/channel-transport.js";
import type { TcpEndpoint } from "#src/transport/endpoint.js";
import { Link, type LinkConditions } from "#src/testing/network/link.js";
import { MemoryChannel } from "#src/testing/network/socket-channel.js";
import { Random } from "#src/testing/random.js";
import { VirtualClock } from "asyncio-streams/testing";
import { describeTransport } from "../backends/conformance.js";

const ONE: TcpEndpoint = { kind: "tcp", address: "127.0.0.1", port: 1, family: 4 };

const PLAIN = { latency: 0, jitter: 0, bandwidth: Infinity, fragment: Infinity, capacity: 65_536 };

const kinds: readonly [name: string, conditions: Omit<LinkConditions, "clock">][] = [
  ["plain", PLAIN],
  ["far away", { ...PLAIN, latency: 40, jitter: 25 }],
  ["slow", { ...PLAIN, bandwidth: 1_000_000 }],
  ["in fragments", { ...PLAIN, fragment: 20_000 }],
  [
    "far away, slow and in fragments",
    { ...PLAIN, latency: 40, jitter: 25, bandwidth: 1_000_000, fragment: 9_000 },
  ],
];

for (const [name, conditions] of kinds) {
  describeTransport(
    `a transport in memory, ${name}`,
    async () => {
      const clock = new VirtualClock({ autoAdvance: true });
      const links = [1, 2].map((seed) => new Link({ clock, ...conditions }, new Random(seed))) as [
        Link,
        Link,
      ];
      const [near, far] = MemoryChannel.pair(ONE, { ...ONE, port: 2 }, { links });
      return { near: new ChannelTransport(near), far: new ChannelTransport(far), reset: () => far.reset() };
    },
    { resets: true },
  );
}
