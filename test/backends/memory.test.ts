import { createMemoryBackend } from "#src/backends/memory/backend.js";
import { MemoryChannel } from "#src/backends/memory/socket-channel.js";
import { describeTransport } from "./conformance.js";

const ONE = { kind: "tcp", address: "127.0.0.1", port: 1, family: 4 } as const;

describeTransport(
  "a transport in memory",
  async () => {
    const backend = createMemoryBackend();
    const [near, far] = MemoryChannel.pair(ONE, { ...ONE, port: 2 });
    return { near: backend.adopt(near, "any"), far: backend.adopt(far, "any"), reset: () => far.reset() };
  },
  { resets: true },
);
