/** The file of a listening Unix socket: put in its place whole, and removed only while it is still ours. */
import type { Stats } from "node:fs";
import { basename, dirname, join } from "node:path";
import { OSError } from "../../errors.js";
import { crypto, fs } from "./builtins.js";
import { roomForName } from "./endpoints.js";

/**
 * A name beside `path` to bind first and then to rename: closing a socket makes the runtime remove the name that was
 * bound, whoever owns it by then, so that must be a name that nobody else uses. Not longer than the system allows.
 */
export function temporaryNameFor(path: string): string {
  const folder = dirname(path);
  const size = Math.max(1, Math.min(12, roomForName(folder)));
  for (let attempt = 1; ; attempt++) {
    const name = crypto().randomBytes(size).toString("base64url").slice(0, size);
    const temporary = join(folder, name);
    if (name === basename(path)) continue;
    if (identify(temporary) === undefined || attempt > MOST_ATTEMPTS) return temporary;
  }
}

/** Only names of a byte or two can all be taken; then binding says so. */
const MOST_ATTEMPTS = 100;

/** An error of binding `temporary`, told of `path`. If it is its folder, Node.js always says EACCES, and Bun not what is wrong. */
export function toldOf(path: string, temporary: string, error: NodeJS.ErrnoException): Error {
  const isOfFolder = error.code === "EACCES" || error.code === "ENOENT";
  const actual = isOfFolder ? (errorOfReaching(dirname(path)) ?? error) : error;
  const { code, errno, syscall } = actual;
  const message = actual.message.replaceAll(temporary, path);
  return Object.assign(new Error(message, { cause: error }), { code, errno, syscall, path });
}

/** @throws OSError with EADDRINUSE if something other than a socket lies at `path` */
export function checkReplaceable(path: string): void {
  const stats = statOf(path, fs().statSync) ?? statOf(path, fs().lstatSync);
  if (stats === undefined || stats.isSocket()) return;
  throw new OSError(`Address '${path}' is already in use: it is not a socket`, {
    code: "EADDRINUSE",
    syscall: "bind",
    path,
  });
}

/** Which file lies at a path. */
export type FileIdentity = Pick<Stats, "dev" | "ino">;

export function identify(path: string): FileIdentity | undefined {
  return statOf(path, fs().lstatSync);
}

export function moveInPlace(temporary: string, path: string): FileIdentity | undefined {
  fs().renameSync(temporary, path);
  return identify(path);
}

/** Removes `path` if it is still the file `ours`. */
export function removeIfOurs(path: string, ours: FileIdentity | undefined): void {
  if (isStill(path, ours)) removeQuietly(path);
}

/** Whether `path` is still the file `ours`. */
export function isStill(path: string, ours: FileIdentity | undefined): boolean {
  const now = identify(path);
  return ours !== undefined && now?.ino === ours.ino && now.dev === ours.dev;
}

/** Runs `close`, which removes `path`, and puts back what lies there. */
export function keepFile(path: string, close: () => void): void {
  const aside = temporaryNameFor(path);
  const isAside = renameQuietly(path, aside);
  close();
  if (isAside) renameQuietly(aside, path);
}

function renameQuietly(from: string, to: string): boolean {
  try {
    fs().renameSync(from, to);
    return true;
  } catch {
    return false;
  }
}

export function removeQuietly(path: string): void {
  try {
    fs().unlinkSync(path);
  } catch {
    // It is gone, or not ours to remove any more.
  }
}

function errorOfReaching(path: string): NodeJS.ErrnoException | undefined {
  try {
    fs().statSync(path);
    return undefined;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}

function statOf(path: string, stat: (path: string) => Stats): Stats | undefined {
  try {
    return stat(path);
  } catch {
    return undefined;
  }
}
