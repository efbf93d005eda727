/** Transports that break one promise each: those of a pair in memory, with something wrong in between. */
import { ChannelTransport } from "#src/backends/channel-transport.js";
import { MemoryChannel } from "#src/testing/network/socket-channel.js";
import type { Protocol } from "#src/transport/protocol.js";
import type { StartableTransport } from "#src/transport/transport.js";
import type { TransportPair } from "#src/testing/index.js";

const ADDRESS = { kind: "tcp", address: "127.0.0.1", port: 1, family: 4 } as const;

export function pairInMemory(): Required<TransportPair> {
  const [near, far] = MemoryChannel.pair(ADDRESS, { ...ADDRESS, port: 2 });
  return { near: new ChannelTransport(near), far: new ChannelTransport(far), reset: () => far.reset() };
}

/** As `pairInMemory`, but what `change` gives stands in front of some of the near end's methods. */
function pairWith(change: (transport: StartableTransport) => Partial<StartableTransport>): TransportPair {
  const { near, far, reset } = pairInMemory();
  const changed = change(near);
  const proxy = new Proxy(near, {
    get(target, name) {
      if (Object.hasOwn(changed, name)) return changed[name as keyof StartableTransport];
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { near: proxy, far, reset };
}

/** Lets `change` stand between the near end and its protocol. */
function withProtocol(
  change: (protocol: Protocol, transport: StartableTransport) => Partial<Protocol>,
): TransportPair {
  return pairWith((transport) => ({
    start(protocol) {
      const changed = change(protocol, transport);
      transport.start({
        connectionMade: (made) => protocol.connectionMade(made),
        dataReceived: (chunk) => protocol.dataReceived(chunk),
        eofReceived: () => protocol.eofReceived(),
        connectionLost: (error) => protocol.connectionLost(error),
        pauseWriting: () => protocol.pauseWriting(),
        resumeWriting: () => protocol.resumeWriting(),
        writeBufferEmptied: () => protocol.writeBufferEmptied(),
        ...changed,
      });
    },
  }));
}

/** Faults by name, and a part of the name of an obligation that each must be found to break. */
export const TRANSPORT_FAULTS: readonly [fault: string, obligation: RegExp, makePair: () => TransportPair][] =
  [
    [
      "goes on reading after pauseReading()",
      /pauseReading\(\) stops the flow/,
      () => pairWith(() => ({ pauseReading() {} })),
    ],
    [
      "drops the tail on close()",
      /close\(\) sends what was written/,
      () => pairWith((transport) => ({ close: () => transport.abort() })),
    ],
    [
      "delivers after connectionLost()",
      /ends soon|told once/,
      () =>
        withProtocol((protocol) => ({
          connectionLost(error) {
            protocol.connectionLost(error);
            protocol.dataReceived(Buffer.from("late"));
          },
        })),
    ],
    [
      "resumes a closed transport",
      /pauseReading\(\) and resumeReading\(\) are idempotent, and do nothing once closing/,
      () => {
        const late: (() => void)[] = [];
        return pairWith((transport) => ({
          start(protocol) {
            late.push(() => protocol.dataReceived(Buffer.from("after the end")));
            transport.start(protocol);
          },
          resumeReading() {
            if (transport.isClosing()) late.forEach((deliver) => deliver());
            else transport.resumeReading();
          },
        }));
      },
    ],
    [
      "never tells of the end, so that waitClosed() never settles",
      /waitClosed\(\) settles/,
      () => withProtocol(() => ({ connectionLost() {} })),
    ],
    [
      "reorders what is written in one tick",
      /keep the order/,
      () => {
        return pairWith((transport) => {
          let held: Uint8Array | string | undefined;
          return {
            write(data) {
              if (held === undefined) {
                held = data;
                queueMicrotask(() => {
                  try {
                    if (held !== undefined) transport.write(held);
                  } catch {
                    // It was ended in between.
                  }
                  held = undefined;
                });
                return;
              }
              transport.write(data);
            },
          };
        });
      },
    ],
    [
      "never holds a writer back",
      /pauseWriting\(\) comes above the high mark/,
      () => withProtocol(() => ({ pauseWriting() {}, resumeWriting() {} })),
    ],
    [
      "tells of a loss as of an end",
      /a reset while open/,
      () =>
        withProtocol((protocol) => ({
          connectionLost: () => protocol.connectionLost(undefined),
        })),
    ],
  ];
