/** Which runtime this is, for the few places where node:net and node:tls are not the same on all of them. */

export const isBun: boolean = process.versions["bun"] !== undefined;

export const isDeno: boolean = process.versions["deno"] !== undefined;

/** Of Node.js; 0 on other runtimes. */
export const nodeMajor: number = isBun || isDeno ? 0 : Number(process.versions.node.split(".")[0]);
