/** Which runtime the tests run on, for the few things that no two runtimes tell in the same words. */
import { versions } from "node:process";

export const isBun: boolean = versions["bun"] !== undefined;

/** How a certificate is refused that vouches for itself. */
export const SELF_SIGNED: string = isBun ? "UNABLE_TO_VERIFY_LEAF_SIGNATURE" : "DEPTH_ZERO_SELF_SIGNED_CERT";
