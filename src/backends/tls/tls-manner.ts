/** How a socket that carries TLS pauses and ends: with close_notify both ways, or without. */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { BrokenPipeError, TlsShutdownTimeoutError, TlsTruncationError } from "../../errors.js";
import type { Clock } from "../../waiting/clock.js";
import type { PreparedTls } from "../../transport/tls.js";
import { behindEnd, resetSocket } from "../node/reset-socket.js";
import { isBun, isDeno } from "../node/runtime.js";
import type { SocketManner } from "../node/socket-manner.js";
import type { ChannelDuplex } from "./channel-duplex.js";
import { watchLostWrite } from "./lost-write.js";
import { fromTlsError } from "./tls-errors.js";
import { tlsInfo } from "./tls-info.js";

/** TLS that the runtime's engine runs on the handle of `below`: fastest, but blind to truncation. */
export function nativeManner(
  socket: TLSSocket,
  below: Socket,
  settings: PreparedTls,
  clock: Clock,
): SocketManner {
  const info = tlsInfo(socket, settings);
  return {
    canEndWriting: false,
    isEndCertain: true,
    copiesTogether: !isBun,
    below: undefined,
    clock,
    pause: (net) => void net.pause(),
    resume: (net) => void net.resume(),
    close(net, fail) {
      // Node.js before 26 loses a close_notify that meets a write in flight, such as the tickets of a handshake just done.
      setImmediate(() => {
        if (net.destroyed) return;
        watchLostWrite(net, below, () => {
          fail(new BrokenPipeError("The peer was gone before it took what was written"));
          net.destroy();
        });
        whenShutDown(net, clock, settings.shutdownTimeout, fail, () => net.destroy());
      });
    },
    reset(net) {
      if (isBun) {
        // Where the engine lets go first, there is nothing left to reset.
        resetSocket(below);
        net.destroy();
        return;
      }
      // The engine must let go of the handle first, or the runtime crashes: so it is the engine who destroys `below`.
      below.destroy = () => {
        Reflect.deleteProperty(below, "destroy");
        resetSocket(below);
        return below;
      };
      behindEnd(net, () => void net.destroy());
    },
    toError: fromTlsError,
    extraInfo: (name) => info(name),
  };
}

/** TLS over a Duplex of ours, which keeps the end of the bytes from the engine: so its own end is the peer's word. */
export function bridgedManner(
  socket: TLSSocket,
  bridge: ChannelDuplex,
  settings: PreparedTls,
  clock: Clock,
): SocketManner {
  const info = tlsInfo(socket, settings);
  let hasCloseNotify: boolean | undefined;
  if (isDeno) keepOpen(socket);
  socket.once("end", () => {
    hasCloseNotify ??= true;
  });
  return {
    canEndWriting: false,
    isEndCertain: true,
    copiesTogether: !isBun,
    below: bridge.channel,
    clock,
    pause: () => bridge.hold(),
    resume: () => bridge.release(),
    close(net, fail) {
      bridge.release();
      // Who has ended without close_notify may be gone altogether, and does not wait for ours.
      if (hasCloseNotify === false && net.writableLength === 0) {
        bridge.closeChannel();
        return;
      }
      whenShutDown(
        net,
        clock,
        settings.shutdownTimeout,
        fail,
        () => afterLastWrite(bridge, () => bridge.closeChannel()),
        bridge,
      );
    },
    reset(net) {
      bridge.channel.reset();
      net.destroy();
    },
    // Bun's engine says that it has written as soon as it has encrypted.
    whenPassedOn: (done) => bridge.whenPassedOn(done),
    watch(net, truncated) {
      const onEnd = () => {
        afterLastByte(net, bridge, () => {
          if (hasCloseNotify !== undefined) return;
          hasCloseNotify = false;
          truncated(settings.truncation === "error" ? new TlsTruncationError() : undefined);
        });
      };
      if (bridge.hasEnded) onEnd();
      else bridge.once("channelEnd", onEnd);
    },
    toError: fromTlsError,
    extraInfo: (name) => {
      const isAsked = name === "closeNotifyReceived" && settings.truncation !== "ignore";
      return isAsked ? (hasCloseNotify ?? false) : info(name);
    },
  };
}

/** Sends close_notify behind what is buffered, and waits for the peer's end, at most `timeout` ms. */
function whenShutDown(
  net: Socket,
  clock: Clock,
  timeout: number,
  fail: (error: Error) => void,
  done: () => void,
  bridge?: ChannelDuplex,
): void {
  const cancelTimer = clock.setTimer(timeout, () => {
    fail(new TlsShutdownTimeoutError(timeout));
    net.destroy();
  });
  let isDone = false;
  const check = () => {
    if (isDone || !net.writableFinished || !(net.readableEnded || bridge?.hasEnded)) return;
    isDone = true;
    done();
  };
  net.once("close", cancelTimer).once("finish", check).once("end", check);
  bridge?.once("channelEnd", check);
  net.end();
  net.resume();
  check();
}

/**
 * At the end of both directions the engine of Deno destroys what it runs on at once, and its own close_notify has not left by
 * then. So it ends with the bridge.
 */
function keepOpen(socket: TLSSocket): void {
  const { _readableState, _writableState } = socket as unknown as Record<
    "_readableState" | "_writableState",
    { autoDestroy: boolean }
  >;
  _readableState.autoDestroy = false;
  _writableState.autoDestroy = false;
  const own = socket as unknown as Record<symbol, () => void>;
  for (const key of Object.getOwnPropertySymbols(socket)) {
    if (key.description !== "kMaybeDestroy") continue;
    socket.off("finish", own[key]!);
    own[key] = () => {};
  }
}

/** Once the bridge has passed on all that it got. The engine of Deno hands it close_notify a moment after it says so. */
function afterLastWrite(bridge: ChannelDuplex, callback: () => void): void {
  if (isDeno) setImmediate(() => bridge.end(callback));
  else callback();
}

/** Once neither bridge nor engine has anything left, and a further turn has brought nothing. */
function afterLastByte(net: Socket, bridge: ChannelDuplex, callback: () => void): void {
  setImmediate(() => {
    if (net.destroyed) return;
    if (bridge.readableLength > 0 || net.readableLength > 0) afterLastByte(net, bridge, callback);
    else setImmediate(callback);
  });
}
