/** Modules of the runtime that are loaded when they are first used: to import them took a third of the time that the library takes. */

export const fs = (): typeof import("node:fs") => process.getBuiltinModule("node:fs");

export const crypto = (): typeof import("node:crypto") => process.getBuiltinModule("node:crypto");

export const url = (): typeof import("node:url") => process.getBuiltinModule("node:url");

export const os = (): typeof import("node:os") => process.getBuiltinModule("node:os");

export const dns = (): typeof import("node:dns") => process.getBuiltinModule("node:dns");
