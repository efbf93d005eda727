import { overDuplexes, overWebStreams } from "../support/stream-pairs.js";
import { describeTransport } from "./conformance.js";

describeTransport("a transport over a Duplex", overDuplexes, { resets: true });
// A ReadableStream that fails drops what is queued in it, so no byte can come before a reset; and there is no other end
// than a close in order, or a failure.
describeTransport("a transport over Web Streams", overWebStreams, { resets: false, tellsAbort: true });
