/// <reference types="node" preserve="true" />
/** What tests of a protocol are made of, for any test framework. */
export { streamPair, type StreamPairOptions } from "./stream-pair.js";
