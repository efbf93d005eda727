import { describe, it } from "node:test";
import { systemClock } from "#src/waiting/clock.js";

describe("systemClock.setTimer()", () => {
  for (const kind of [undefined, "background"] as const) {
    it(`of 0 ms fires where nothing else happens, ${kind ?? "waited for"}`, async () => {
      await new Promise<void>((resolve) => {
        setTimeout(() => systemClock.setTimer(0, resolve, kind), 1);
      });
    });
  }
});
