/** Puts TLS on a channel. */
import { systemClock } from "../../waiting/clock.js";
import type { PreparedTls } from "../../transport/tls.js";
import type { Channel } from "../channel.js";
import { isDeno } from "../node/runtime.js";
import { SocketChannel } from "../node/socket-channel.js";
import { ChannelDuplex } from "./channel-duplex.js";
import { handshake } from "./handshake.js";
import { bridgedManner, nativeManner } from "./tls-manner.js";

/**
 * The channel to go on with; `channel` is used up. `early` was received before, and goes to the engine first. When the
 * handshake fails everything is closed, and the rejection says why.
 *
 * The engine runs on the runtime's socket where there is a plain one and nobody wants to know of truncation: that is
 * fastest. Not on Deno: there that engine takes whatever is written without limit, and passes a reset off as the end.
 */
export function secure(
  channel: Channel,
  settings: PreparedTls,
  early: Uint8Array,
  signal: AbortSignal,
): Promise<Channel> {
  const { local, remote, socket, clock = systemClock } = channel;
  const canBeNative = settings.truncation === "ignore" && !isDeno;
  const raw = canBeNative ? channel.releaseSocket(early) : undefined;
  if (raw !== undefined) {
    return handshake(raw, settings, clock, signal, (engine) => {
      return new SocketChannel(engine, local, remote, nativeManner(engine, raw, settings, clock), socket);
    });
  }
  const bridge = new ChannelDuplex(channel, early);
  channel.start(bridge.events);
  channel.resume();
  return handshake(bridge, settings, clock, signal, (engine) => {
    return new SocketChannel(engine, local, remote, bridgedManner(engine, bridge, settings, clock), socket);
  });
}
