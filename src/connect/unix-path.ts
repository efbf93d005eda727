/** What can name a Unix socket. */
import { isBytes } from "../checks.js";
import { kindOf } from "../describe.js";

/** A path; a `file:` URL; bytes that are UTF-8. On Linux one that starts with a NUL is an abstract name. */
export type PathLike = string | URL | Uint8Array;

/** @throws TypeError if `path` is no path */
export function toUnixPath(path: unknown): string {
  if (typeof path === "string") return path;
  if (path instanceof URL) return fromFileUrl(path);
  if (!isBytes(path)) throw new TypeError(`path must be a string, a file: URL or bytes, not ${kindOf(path)}`);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(path);
  } catch {
    throw new TypeError(`path must be UTF-8, got the bytes ${Buffer.from(path).toString("hex")}`);
  }
}

function fromFileUrl(url: URL): string {
  if (url.protocol !== "file:" || url.host !== "")
    throw new TypeError(`path must be a local file: URL, got ${url.href}`);
  try {
    if (!/%2f/i.test(url.pathname)) return decodeURIComponent(url.pathname);
  } catch {
    // It is not UTF-8.
  }
  throw new TypeError(`path must be UTF-8 without an encoded slash, got ${url.href}`);
}
