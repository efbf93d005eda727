/** What tests of protocols need. Works with any test framework, and with none. */
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
