import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as streams from "asyncio-streams";
import type { ConnectionAttempt } from "asyncio-streams";

const { OSError, ConnectionError } = streams;

interface Expected {
  readonly error: Error & { code?: string | undefined };
  readonly name: string;
  readonly code: string | undefined;
  readonly message: string;
  readonly bases: readonly (abstract new (...given: never[]) => Error)[];
}

const attempt: ConnectionAttempt = {
  address: "127.0.0.1",
  port: 9,
  startedAt: 0,
  failedAt: 1,
  error: new streams.ConnectionRefusedError("refused"),
};

const all: Expected[] = [
  {
    error: new streams.IncompleteReadError(Buffer.from("abc"), 10),
    name: "IncompleteReadError",
    code: "ERR_INCOMPLETE_READ",
    message: "3 bytes read on a total of 10 expected bytes",
    bases: [Error],
  },
  {
    error: new streams.IncompleteReadError(Buffer.from("abc"), undefined),
    name: "IncompleteReadError",
    code: "ERR_INCOMPLETE_READ",
    message: "3 bytes read on a total of undefined expected bytes",
    bases: [Error],
  },
  {
    error: new streams.LimitOverrunError("why", 4),
    name: "LimitOverrunError",
    code: "ERR_LIMIT_OVERRUN",
    message: "why",
    bases: [Error],
  },
  {
    error: new streams.LineTooLongError("why", 3, 5),
    name: "LineTooLongError",
    code: "ERR_LINE_TOO_LONG",
    message: "why (limit 3 bytes, 5 bytes of the line were dropped)",
    bases: [Error],
  },
  {
    error: new streams.InvalidStateError("why"),
    name: "InvalidStateError",
    code: "ERR_INVALID_STATE",
    message: "why",
    bases: [Error],
  },
  {
    error: new streams.NotImplementedError("why"),
    name: "NotImplementedError",
    code: "ERR_METHOD_NOT_IMPLEMENTED",
    message: "why",
    bases: [Error],
  },
  { error: new OSError("why"), name: "OSError", code: undefined, message: "why", bases: [Error] },
  {
    error: new streams.TlsError("why", { code: "ERR_SSL_WRONG_VERSION_NUMBER" }),
    name: "TlsError",
    code: "ERR_SSL_WRONG_VERSION_NUMBER",
    message: "why",
    bases: [OSError],
  },
  {
    error: new streams.CertificateError("why", { code: "CERT_HAS_EXPIRED" }),
    name: "CertificateError",
    code: "CERT_HAS_EXPIRED",
    message: "why",
    bases: [streams.TlsError],
  },
  {
    error: new streams.TlsTruncationError(),
    name: "TlsTruncationError",
    code: "ERR_TLS_TRUNCATED",
    message: "The connection ended without close_notify: what was received may be cut short",
    bases: [streams.TlsError],
  },
  {
    error: new streams.TlsHandshakeTimeoutError(5),
    name: "TlsHandshakeTimeoutError",
    code: "ECONNABORTED",
    message: "TLS handshake is taking longer than 5 ms: aborting the connection",
    bases: [streams.ConnectionAbortedError],
  },
  {
    error: new streams.TlsShutdownTimeoutError(5),
    name: "TlsShutdownTimeoutError",
    code: "ETIMEDOUT",
    message: "TLS shutdown timed out after 5 ms",
    bases: [streams.TimeoutError],
  },
  {
    error: new streams.IdleTimeoutError(5),
    name: "IdleTimeoutError",
    code: "ETIMEDOUT",
    message: "No byte was received for 5 ms",
    bases: [streams.TimeoutError],
  },
  {
    error: new streams.WriteStallError(5),
    name: "WriteStallError",
    code: "ETIMEDOUT",
    message: "The peer took no byte of what was to be sent for 5 ms",
    bases: [streams.TimeoutError],
  },
  {
    error: new streams.PlaintextBufferedError(5),
    name: "PlaintextBufferedError",
    code: "ERR_TLS_PLAINTEXT_BUFFERED",
    message: '5 bytes were received before TLS, and buffered is "reject"',
    bases: [streams.TlsError],
  },
  {
    error: new streams.FileNotFoundError("why"),
    name: "FileNotFoundError",
    code: "ENOENT",
    message: "why",
    bases: [OSError],
  },
  {
    error: new streams.PermissionError("why"),
    name: "PermissionError",
    code: "EACCES",
    message: "why",
    bases: [OSError],
  },
  {
    error: new streams.NameResolutionError("why"),
    name: "NameResolutionError",
    code: "ENOTFOUND",
    message: "why",
    bases: [OSError],
  },
  {
    error: new streams.TimeoutError("why"),
    name: "TimeoutError",
    code: "ETIMEDOUT",
    message: "why",
    bases: [OSError],
  },
  {
    error: new ConnectionError("why"),
    name: "ConnectionError",
    code: undefined,
    message: "why",
    bases: [OSError],
  },
  {
    error: new streams.ConnectionResetError("why"),
    name: "ConnectionResetError",
    code: "ECONNRESET",
    message: "why",
    bases: [OSError, ConnectionError],
  },
  {
    error: new streams.LineEndingError("LF", 3, 17),
    name: "LineEndingError",
    code: "ERR_LINE_ENDING",
    message: "Line 3 has a bare LF after 17 bytes, and must end with CRLF",
    bases: [],
  },
  {
    error: new streams.FrameError("why"),
    name: "FrameError",
    code: "ERR_FRAME",
    message: "why",
    bases: [],
  },
  {
    error: new streams.FrameTooLargeError(20, 10),
    name: "FrameTooLargeError",
    code: "ERR_FRAME_TOO_LARGE",
    message: "A frame of 20 bytes is above the limit of 10",
    bases: [streams.FrameError],
  },
  {
    error: new streams.BrokenPipeError("why"),
    name: "BrokenPipeError",
    code: "EPIPE",
    message: "why",
    bases: [OSError, ConnectionError],
  },
  {
    error: new streams.ConnectionAbortedError("why"),
    name: "ConnectionAbortedError",
    code: "ECONNABORTED",
    message: "why",
    bases: [OSError, ConnectionError],
  },
  {
    error: new streams.ConnectionRefusedError("why"),
    name: "ConnectionRefusedError",
    code: "ECONNREFUSED",
    message: "why",
    bases: [OSError, ConnectionError],
  },
  {
    error: new streams.ConnectionAttemptsError("why", [attempt], "ECONNREFUSED"),
    name: "ConnectionAttemptsError",
    code: "ECONNREFUSED",
    message: "why",
    bases: [AggregateError],
  },
];

describe("the errors", () => {
  for (const { error, name, code, message, bases } of all) {
    it(`${name} has its name, code, message and base: ${message.slice(0, 60)}`, () => {
      assert.equal(error.name, name);
      assert.equal(error.code, code);
      assert.equal(error.message, message);
      assert.equal(String(error), `${name}: ${message}`);
      assert.equal(error.constructor, (streams as Record<string, unknown>)[name]);
      for (const base of [Error, ...bases]) assert.ok(error instanceof base, base.name);
      assert.ok(!Object.hasOwn(error, "name"), "the name is on the prototype");
    });
  }

  it("all of index.ts are in the table above", () => {
    const exported = Object.values(streams).filter(
      (value) => typeof value === "function" && Object.prototype.isPrototypeOf.call(Error, value),
    );
    assert.deepEqual(new Set(exported), new Set(all.map(({ error }) => error.constructor)));
  });

  it("IncompleteReadError has what was read, and what was asked for (3)", () => {
    const partial = Buffer.from("abc");
    const error = new streams.IncompleteReadError(partial, 10);
    assert.equal(error.partial, partial);
    assert.equal(error.expected, 10);
    assert.equal(new streams.IncompleteReadError(partial, undefined).expected, undefined);
    assert.equal(
      new streams.IncompleteReadError(partial, 0).message,
      "3 bytes read on a total of 0 expected bytes",
    );
  });

  it("LimitOverrunError has how much can be read (4)", () => {
    assert.equal(new streams.LimitOverrunError("why", 4).consumed, 4);
  });

  it("OSError keeps what the system told, only that, and the cause", () => {
    const cause = new Error("low");
    const told = { code: "EBADF", errno: -9, syscall: "read", address: "::1", port: 80, path: "/p" };
    const error = new OSError("why", { ...told, cause });
    assert.deepEqual(Object.fromEntries(Object.entries(error)), told);
    assert.equal(error.cause, cause);
    assert.deepEqual(Object.keys(new OSError("why", { code: "EBADF", port: undefined })), ["code"]);
    assert.ok(!("cause" in new OSError("why")));
  });

  it("a class with a code of its own takes another one from the system", () => {
    assert.equal(new streams.PermissionError("why", { code: "EPERM" }).code, "EPERM");
    assert.equal(new streams.ConnectionRefusedError("why", { syscall: "connect" }).code, "ECONNREFUSED");
  });

  it("ConnectionAttemptsError has the errors of its attempts", () => {
    const error = new streams.ConnectionAttemptsError("why", [attempt], undefined);
    assert.deepEqual(error.errors, [attempt.error]);
    assert.deepEqual(error.attempts, [attempt]);
    assert.equal(error.code, undefined);
  });
});
