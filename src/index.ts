/// <reference types="node" preserve="true" />
/** Python's asyncio Streams for TypeScript. */
export {
  openConnection,
  openUnixConnection,
  type ConnectOptions,
  type OpenConnectionOptions,
  type OpenUnixConnectionOptions,
} from "./open-connection.js";
export {
  startServer,
  startUnixServer,
  type ServeOptions,
  type StartServerOptions,
  type StartUnixServerOptions,
} from "./start-server.js";
export { Server, type ClientConnectedCallback, type ConnectionContext } from "./serve-streams.js";
export { listenFds, type ListenFdsOptions, type InheritedSocket } from "./backends/node/listen-fds.js";
export { socketPair } from "./backends/node/socket-pair.js";
export type { LookupFunction, LookupOptions } from "./connect/resolve-host.js";
export type { PathLike } from "./connect/unix-path.js";
export type { ListeningSocket } from "./server/listening-socket.js";
export type { ShutdownResult } from "./server/open-connections.js";
export type { ServeForeverOptions, ShutdownOptions } from "./server/server.js";
export type { Connection } from "./streams/connection.js";
export type { ErrorContext, OnError } from "./streams/connection-handler.js";
export { frames, readFrame, tryReadFrame, writeFrame } from "./streams/frames.js";
export { lengthPrefixed, type FrameFormat, type LengthPrefixedOptions } from "./bytes/frame-format.js";
export type { LineEnding } from "./bytes/line-cutter.js";
export type { LinesOf, LinesOptions } from "./streams/lines.js";
export { relay, type RelayedBytes, type RelayOptions } from "./streams/relay.js";
export { deadline, type Deadline } from "./waiting/deadline.js";
export type { WaitOptions } from "./waiting/bounds.js";
export { StreamReader, type StreamReaderOptions } from "./streams/stream-reader.js";
export type { StartTlsOptions } from "./streams/start-tls-options.js";
export type { CloseOptions } from "./streams/close-options.js";
export { StreamWriter } from "./streams/stream-writer.js";
export type { SocketAddress } from "./transport/endpoint.js";
export type { LivenessOptions } from "./transport/liveness.js";
export type { Network } from "./transport/network.js";
export type { TlsLayerOptions, TlsOptions, Truncation } from "./transport/tls.js";
export type {
  BytesLike,
  CipherInfo,
  ExtraInfo,
  TlsExtraInfo,
  Transport,
  TransportSocket,
  WriteBufferLimits,
} from "./transport/transport.js";
export {
  BrokenPipeError,
  CertificateError,
  ConnectionAbortedError,
  ConnectionAttemptsError,
  ConnectionError,
  ConnectionRefusedError,
  ConnectionResetError,
  FileNotFoundError,
  FrameError,
  FrameTooLargeError,
  IdleTimeoutError,
  IncompleteReadError,
  InvalidStateError,
  LimitOverrunError,
  LineEndingError,
  LineTooLongError,
  NameResolutionError,
  NotImplementedError,
  OSError,
  PermissionError,
  PlaintextBufferedError,
  TimeoutError,
  TlsError,
  TlsHandshakeTimeoutError,
  TlsShutdownTimeoutError,
  TlsTruncationError,
  WriteStallError,
  type ConnectionAttempt,
  type OSErrorDetails,
} from "./errors.js";
