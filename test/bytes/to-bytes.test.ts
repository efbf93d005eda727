import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runInNewContext } from "node:vm";
import { toBytes, toBytesList } from "#src/bytes/to-bytes.js";

const WRONG: [value: unknown, kind: string][] = [
  [undefined, "undefined"],
  [null, "null"],
  [7, "number 7"],
  [true, "boolean true"],
  [[1, 2], "an instance of Array"],
  [{}, "an instance of Object"],
  [new ArrayBuffer(1), "an instance of ArrayBuffer"],
  [new DataView(new ArrayBuffer(1)), "an instance of DataView"],
  [new Uint16Array(1), "an instance of Uint16Array"],
];

describe("toBytes()", () => {
  it("makes a string UTF-8", () => {
    assert.deepEqual(toBytes("añ€😀"), Buffer.from("61c3b1e282acf09f9880", "hex"));
    assert.equal(toBytes("").length, 0);
  });

  it("passes bytes as they are, also those of another realm", () => {
    for (const bytes of [Buffer.from("a"), Uint8Array.of(1), runInNewContext("Uint8Array.of(1)")]) {
      assert.equal(toBytes(bytes), bytes);
    }
  });

  for (const [value, kind] of WRONG) {
    it(`refuses ${kind} (37)`, () => {
      const message = `data argument must be a bytes-like object or a string, not ${kind}`;
      assert.throws(() => toBytes(value), { name: "TypeError", message });
    });
  }
});

describe("toBytesList()", () => {
  it("takes any iterable, once (39)", () => {
    function* generate(): Generator<string | Uint8Array> {
      yield "a";
      yield Uint8Array.of(0x62);
    }
    for (const list of [["a", Uint8Array.of(0x62)], new Set(["a", Buffer.from("b")]), generate()]) {
      assert.deepEqual(
        toBytesList(list).map((bytes) => Buffer.from(bytes).toString()),
        ["a", "b"],
      );
    }
    assert.deepEqual(toBytesList([]), []);
  });

  it("refuses a member that cannot be written (39)", () => {
    const message = "data argument must be a bytes-like object or a string, not number 7";
    assert.throws(() => toBytesList(["a", 7]), { name: "TypeError", message });
  });

  const bare: [value: unknown, kind: string][] = [
    ["text", 'string "text"'],
    [Buffer.from("a"), "an instance of Buffer"],
    [{}, "an instance of Object"],
    [7, "number 7"],
    [null, "null"],
    [undefined, "undefined"],
  ];
  for (const [value, kind] of bare) {
    it(`refuses ${kind} as the list (39)`, () => {
      const message = `writeLines() takes an iterable of bytes-like objects or strings, not ${kind}`;
      assert.throws(() => toBytesList(value), { name: "TypeError", message });
    });
  }
});
