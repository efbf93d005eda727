/** Puts TLS on a channel. */
import type { Socket } from "node:net";
import { systemClock } from "../../waiting/clock.js";
import { NO_BYTES, type PreparedTls, type TlsSettings } from "../../transport/tls.js";
import type { Channel } from "../channel.js";
import { isBun, isDeno } from "../node/runtime.js";
import { SocketChannel } from "../node/socket-channel.js";
import { ChannelDuplex } from "./channel-duplex.js";
import { checkCanBridge, handshake } from "./handshake.js";
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
  if (raw !== undefined && !dropsEarlyBytes(raw, settings)) {
    return handshake(raw, settings, clock, signal, (engine) => {
      return new SocketChannel(engine, local, remote, nativeManner(engine, raw, settings, clock), socket);
    });
  }
  checkCanBridge(settings);
  const below = raw === undefined ? channel : new SocketChannel(raw, local, remote);
  const bridge = new ChannelDuplex(below, raw === undefined ? early : NO_BYTES);
  below.start(bridge.events);
  below.resume();
  return handshake(bridge, settings, clock, signal, (engine) => {
    return new SocketChannel(engine, local, remote, bridgedManner(engine, bridge, settings, clock), socket);
  });
}

/**
 * Whether the native engine would drop what came before: Bun's does as a client, so that the handshake would succeed although
 * somebody has put plain text in front of it.
 */
function dropsEarlyBytes(socket: Socket, { side }: TlsSettings): boolean {
  return isBun && side === "client" && socket.readableLength > 0;
}
