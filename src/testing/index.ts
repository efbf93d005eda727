/// <reference types="node" preserve="true" />
/** What tests of a protocol are made of, for any test framework, and for none. */
export { streamPair, type StreamPairOptions } from "./stream-pair.js";
export { scriptedPeer, type ScriptedPeer, type ScriptedPeerOptions } from "./scripted-peer.js";
export { playScript, type PlayScriptOptions, type ScriptedEnd } from "./play-script.js";
export type { ScriptStep } from "./script.js";
export { anyBytes, type PatternPart } from "./bytes-pattern.js";
export { ScriptError, SplitError, TranscriptError } from "./errors.js";
export type { Clock } from "../waiting/clock.js";
export { everySplit, type EverySplitOptions } from "./every-split.js";
export { recordWire, type RecordWireOptions, type WireRecording } from "./record-wire.js";
export type { Mask } from "./masks.js";
export { replayWire } from "./replay-wire.js";
export { parseTranscript } from "./transcript.js";
export {
  checkTransport,
  TransportCheckError,
  transportChecks,
  type CheckTransportOptions,
  type FailedCheck,
  type MakePair,
  type TransportCheck,
} from "./check-transport.js";
export type {
  CheckedReader,
  CheckedStreams,
  CheckedWriter,
  StreamsPair,
} from "./transport-checks/streams.js";
export type { TransportFeatures, TransportPair } from "./transport-checks/suite.js";
export { memoryNetwork, type MemoryNetwork, type MemoryNetworkOptions } from "./network/memory-network.js";
export type { ConnectionRoute, Direction, MemoryConnection } from "./network/memory-connection.js";
export { VirtualClock, type VirtualClockOptions } from "./virtual-clock.js";
