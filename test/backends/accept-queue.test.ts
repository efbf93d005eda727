import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AcceptQueue } from "#src/backends/accept-queue.js";
import type { ListenerEvents } from "#src/transport/backend.js";
import type { StartableTransport } from "#src/transport/transport.js";

class Arrival {
  isAborted = false;

  abort(): void {
    this.isAborted = true;
  }
}

class Collector implements ListenerEvents {
  readonly accepted: unknown[] = [];
  readonly failures: Error[] = [];

  connectionAccepted(transport: StartableTransport): void {
    this.accepted.push(transport);
  }

  acceptFailed(error: Error): void {
    this.failures.push(error);
  }
}

function arrivals(queue: AcceptQueue, count: number): Arrival[] {
  const made = Array.from({ length: count }, () => new Arrival());
  for (const arrival of made) queue.connectionAccepted(arrival as unknown as StartableTransport);
  return made;
}

describe("AcceptQueue", () => {
  it("holds what comes until open(), then hands all over in order", () => {
    const queue = new AcceptQueue(10);
    const events = new Collector();
    const early = arrivals(queue, 3);
    queue.open(events);
    assert.deepEqual(events.accepted, early);
    const late = arrivals(queue, 1);
    assert.deepEqual(events.accepted, [...early, ...late]);
    assert.ok([...early, ...late].every((arrival) => !arrival.isAborted));
  });

  it("drops what comes when it holds as many as it may", () => {
    const queue = new AcceptQueue(2);
    const held = arrivals(queue, 4);
    assert.deepEqual(
      held.map((arrival) => arrival.isAborted),
      [false, false, true, true],
    );
  });

  it("holds one connection when it may hold none, as a kernel does", () => {
    const queue = new AcceptQueue(0);
    const [first, second] = arrivals(queue, 2);
    assert.deepEqual([first!.isAborted, second!.isAborted], [false, true]);
  });

  it("close() drops what it holds, and what comes after (81)", () => {
    const queue = new AcceptQueue(10);
    const held = arrivals(queue, 2);
    queue.close();
    const late = arrivals(queue, 1);
    assert.ok([...held, ...late].every((arrival) => arrival.isAborted));
  });

  it("close() after open() drops what comes after (81)", () => {
    const queue = new AcceptQueue(10);
    const events = new Collector();
    queue.open(events);
    const [served] = arrivals(queue, 1);
    queue.close();
    const [late] = arrivals(queue, 1);
    assert.deepEqual([served!.isAborted, late!.isAborted], [false, true]);
    assert.deepEqual(events.accepted, [served]);
  });

  it("acceptFailed() is told once somebody listens", () => {
    const queue = new AcceptQueue(10);
    const events = new Collector();
    queue.acceptFailed(new Error("nobody hears this"));
    queue.open(events);
    const error = new Error("this one");
    queue.acceptFailed(error);
    assert.deepEqual(events.failures, [error]);
  });
});
