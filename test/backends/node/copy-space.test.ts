import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CopySpaces } from "#src/backends/node/copy-space.js";

describe("CopySpace", () => {
  it("is used again from its beginning once all that was copied has been read", () => {
    const spaces = new CopySpaces();
    const space = spaces.withRoomFor(100);
    for (let batch = 0; batch < 2; batch++) space.hold();
    space.used += 100;
    space.release(true);
    assert.equal(space.used, 100);
    space.release(true);
    assert.equal(space.used, 0);
    assert.equal(spaces.withRoomFor(100), space);
  });

  it("is only filled up when somebody still reads what has left", () => {
    const spaces = new CopySpaces();
    const space = spaces.withRoomFor(100);
    space.hold();
    space.used += 100;
    space.release(false);
    space.hold();
    space.used += 100;
    space.release(true);
    assert.equal(space.used, 200);
    assert.equal(spaces.withRoomFor(space.bytes.length - 200), space);
    assert.notEqual(spaces.withRoomFor(space.bytes.length - 199), space);
  });
});
