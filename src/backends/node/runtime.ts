/** Which runtime this is, where one behaves otherwise than node:net says. */
import process from "node:process";

export const isDeno: boolean = process.versions["deno"] !== undefined;
