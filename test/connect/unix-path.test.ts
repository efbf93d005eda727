import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toUnixPath } from "#src/connect/unix-path.js";

describe("toUnixPath()", () => {
  const paths: readonly [given: unknown, expected: string][] = [
    ["/tmp/a b", "/tmp/a b"],
    ["relative", "relative"],
    ["", ""],
    ["\0abstract", "\0abstract"],
    [new URL("file:///tmp/a%20b/%C3%BC"), "/tmp/a b/ü"],
    [new URL("file://localhost/tmp/s"), "/tmp/s"],
    [Buffer.from("/tmp/ü"), "/tmp/ü"],
    [Uint8Array.of(0, 0x61), "\0a"],
    [Buffer.from("\uFEFFmarked"), "\uFEFFmarked"],
  ];
  for (const [given, expected] of paths) {
    it(`takes ${JSON.stringify(given)} as ${JSON.stringify(expected)} (82)`, () => {
      assert.equal(toUnixPath(given), expected);
    });
  }

  const wrong: readonly [given: unknown, message: RegExp][] = [
    [7, /^path must be a string, a file: URL or bytes, not number 7$/],
    [null, /not null$/],
    [{ path: "/tmp/s" }, /not an instance of Object$/],
    [new Uint16Array(2), /not an instance of Uint16Array$/],
    [new URL("http://localhost/tmp/s"), /^path must be a local file: URL, got http:\/\/localhost\/tmp\/s$/],
    [new URL("unix:/tmp/s"), /got unix:\/tmp\/s$/],
    [new URL("file://elsewhere/tmp/s"), /got file:\/\/elsewhere\/tmp\/s$/],
    [new URL("file:///tmp/%FF"), /got file:\/\/\/tmp\/%FF$/],
    [new URL("file:///tmp/a%2Fb"), /got file:\/\/\/tmp\/a%2Fb$/],
    [Uint8Array.of(0x2f, 0xff), /^path must be UTF-8, got the bytes 2fff$/],
  ];
  for (const [given, message] of wrong) {
    it(`refuses what ends in "${message.source}"`, () => {
      assert.throws(() => toUnixPath(given), { name: "TypeError", message });
    });
  }
});
