/** How the C library treats memory that has been freed, such as that of bytes which were read and are needed no more. */
import { nodeMajor } from "./runtime.js";

/** Bytes. Of one above 32 MiB glibc learns nothing; the collector may free 64 MiB of bytes at once. */
const LARGE = 31 * 1_048_576;

/**
 * Until glibc has seen a large block freed, it gives what is free above 128 KiB back to the system at once, and takes it
 * anew, page by page, for the next bytes that come: up to nine page faults for 64 KiB. Afterwards it keeps up to twice the
 * size of that block. Nobody touches this one, so it needs no memory itself.
 */
export function keepFreedMemory(): void {
  if (nodeMajor > 0 && process.platform === "linux") Buffer.allocUnsafeSlow(LARGE);
}
