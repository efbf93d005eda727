/** Plays the other side of a recorded conversation. */
import { scriptedPeer, type ScriptedPeer, type ScriptedPeerOptions } from "./scripted-peer.js";
import { parseTranscript } from "./transcript.js";

/**
 * A peer that plays the other side of a transcript, as `scriptedPeer(parseTranscript(transcript), options)`: it expects what
 * was sent, sends what was received, and ends as the transcript does. How the bytes are cut does not matter. Whatever
 * stands in the place of a mask is accepted. When the transcript has no end, the connection is left open after its last line.
 *
 * @throws TranscriptError with the number of the line that is wrong
 * @throws TypeError or RangeError for wrong options
 */
export function replayWire(transcript: string, options?: ScriptedPeerOptions): ScriptedPeer {
  return scriptedPeer(parseTranscript(transcript), options);
}
