/** Modules of the runtime that are loaded when they are first used: to import node:fs alone took a quarter of what all of this takes. */

export const fs = (): typeof import("node:fs") => process.getBuiltinModule("node:fs");

export const dns = (): typeof import("node:dns") => process.getBuiltinModule("node:dns");
