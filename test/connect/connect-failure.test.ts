import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  ConnectionAttemptsError,
  ConnectionRefusedError,
  OSError,
  TimeoutError,
  type ConnectionAttempt,
} from "asyncio-streams";
import { connectFailure } from "#src/connect/connect-failure.js";

const cause = new Error("connect ECONNREFUSED");

function refused(address: string): ConnectionRefusedError {
  const details = { code: "ECONNREFUSED", errno: -111, syscall: "connect", address, port: 80, cause };
  return new ConnectionRefusedError(`refused by ${address}`, details);
}

function attemptsOf(...errors: Error[]): ConnectionAttempt[] {
  return errors.map((error, index) => ({
    address: `127.0.0.${index}`,
    port: 80,
    startedAt: index,
    failedAt: index + 1,
    error,
  }));
}

describe("connectFailure()", () => {
  it("of one attempt is an error of its class, with all its fields and the attempt (64)", () => {
    const attempts = attemptsOf(refused("127.0.0.0"));
    const failure = connectFailure(attempts, false);
    assert.ok(failure instanceof ConnectionRefusedError);
    assert.equal(failure.message, "refused by 127.0.0.0");
    const { code, errno, syscall, address, port } = failure;
    assert.deepEqual(
      [code, errno, syscall, address, port],
      ["ECONNREFUSED", -111, "connect", "127.0.0.0", 80],
    );
    assert.equal(failure.cause, cause);
    assert.deepEqual(failure.attempts, attempts);
  });

  it("of several with the same code is of their class, and names each (64)", () => {
    const errors = [refused("127.0.0.0"), refused("127.0.0.1")];
    const attempts = attemptsOf(...errors);
    const failure = connectFailure(attempts, false);
    assert.ok(failure instanceof ConnectionRefusedError);
    assert.equal(failure.name, "ConnectionRefusedError");
    assert.equal(failure.code, "ECONNREFUSED");
    assert.equal(failure.message, "refused by 127.0.0.0, refused by 127.0.0.1");
    assert.deepEqual(failure.errors, errors);
    assert.deepEqual(failure.attempts, attempts);
  });

  it("of different codes is an AggregateError with every attempt (64)", () => {
    const errors = [refused("127.0.0.0"), new TimeoutError("too slow")];
    const attempts = attemptsOf(...errors);
    const failure = connectFailure(attempts, false);
    assert.ok(failure instanceof ConnectionAttemptsError && failure instanceof AggregateError);
    assert.equal(failure.message, "Multiple exceptions: refused by 127.0.0.0, too slow");
    assert.equal(failure.code, undefined);
    assert.deepEqual(failure.errors, errors);
    assert.deepEqual(failure.attempts, attempts);
  });

  it("counts as different what has no code of the system", () => {
    const errors = [new OSError("no code"), new TypeError("a defect")];
    assert.ok(connectFailure(attemptsOf(...errors), false) instanceof ConnectionAttemptsError);
    assert.ok(connectFailure(attemptsOf(...errors.toReversed()), false) instanceof ConnectionAttemptsError);
  });

  it("of one that is no error of the system is that error", () => {
    const defect = new TypeError("a defect");
    assert.equal(connectFailure(attemptsOf(defect), false), defect);
  });

  const shared: readonly [errors: Error[], code: string | undefined][] = [
    [[refused("127.0.0.0")], "ECONNREFUSED"],
    [[refused("127.0.0.0"), refused("127.0.0.1")], "ECONNREFUSED"],
    [[refused("127.0.0.0"), new TimeoutError("too slow")], undefined],
  ];
  for (const [errors, code] of shared) {
    it(`with allErrors is an AggregateError also of ${errors.map(({ name }) => name).join(" and ")} (64)`, () => {
      const attempts = attemptsOf(...errors);
      const failure = connectFailure(attempts, true);
      assert.ok(failure instanceof ConnectionAttemptsError && failure instanceof AggregateError);
      assert.equal(failure.name, "ConnectionAttemptsError");
      assert.equal(failure.code, code);
      assert.deepEqual(failure.errors, errors);
      assert.deepEqual(failure.attempts, attempts);
      const messages = errors.map(({ message }) => message).join(", ");
      assert.equal(failure.message, `openConnection() failed: ${messages}`);
    });
  }
});
