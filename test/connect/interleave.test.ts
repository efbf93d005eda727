import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { interleave } from "#src/connect/interleave.js";

/** "6a" is the address a of IPv6. */
function ordered(names: string, firstFamilyCount: number): string {
  const addresses = names.split(" ").map((name) => ({ name, family: name.startsWith("6") ? 6 : 4 }) as const);
  return interleave(addresses, firstFamilyCount)
    .map(({ name }) => name)
    .join(" ");
}

describe("interleave()", () => {
  const cases: readonly [count: number, names: string, expected: string][] = [
    [0, "6a 6b 4a 4b", "6a 6b 4a 4b"],
    [1, "6a 6b 4a 4b", "6a 4a 6b 4b"],
    [2, "6a 6b 6c 4a 4b", "6a 6b 4a 6c 4b"],
    [3, "6a 6b 6c 4a 4b", "6a 6b 6c 4a 4b"],
    [9, "6a 6b 4a", "6a 6b 4a"],
    [1, "4a 4b 6a 6b", "4a 6a 4b 6b"],
    [1, "4a 6a 4b 4c 4d 6b", "4a 6a 4b 6b 4c 4d"],
    [1, "6a 4a 4b 4c", "6a 4a 4b 4c"],
    [1, "4a 4b 4c", "4a 4b 4c"],
    [2, "6a", "6a"],
  ];
  for (const [count, names, expected] of cases) {
    it(`with ${count} orders ${names} as ${expected} (62)`, () => {
      assert.equal(ordered(names, count), expected);
    });
  }

  it("of nothing is nothing, and of a list is another list (62)", () => {
    const addresses = [{ family: 4 }] as const;
    assert.deepEqual(interleave([], 2), []);
    assert.notEqual(interleave(addresses, 0), addresses);
  });
});
