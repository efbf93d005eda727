import assert from "node:assert/strict";
import { createServer, Socket } from "node:net";
import { describe, it } from "node:test";
import {
  openConnection,
  openUnixConnection,
  socketPair,
  startServer,
  startUnixServer,
  StreamReader,
  type Connection,
} from "asyncio-streams";
import { cleanups } from "./support/cleanup.js";
import { watchResources } from "./support/open-resources.js";

const cleanup = cleanups();

/** A value to refuse, and how the message shows it where that is not as everywhere. */
class Shown {
  readonly value: unknown;
  readonly text: string;

  constructor(value: unknown, text: string) {
    this.value = value;
    this.text = text;
  }
}

const shown = (value: unknown, text: string) => new Shown(value, text);

function textOf(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "object" && value !== null) return `an instance of ${value.constructor.name}`;
  return String(value);
}

interface Parameter {
  /** As the message names it, in whatever case. */
  readonly name: string;
  readonly wrongKind: readonly unknown[];
  readonly outOfRange?: readonly unknown[];
}

const notNumber = ["5", null, true, {}, [5], 5n];
const notBoolean = [1, "true", null, {}];
const notFunction = [5, "f", null, {}];

// Parameters that several functions have.
const limit: Parameter = { name: "limit", wrongKind: notNumber, outOfRange: [0, -1, 1.5, NaN, Infinity] };
const family: Parameter = { name: "family", wrongKind: notNumber, outOfRange: [1, 46, -4, NaN] };
const flags: Parameter = { name: "flags", wrongKind: notNumber, outOfRange: [-1, 1, 1.5, NaN, 2 ** 32] };
const port: Parameter = {
  name: "port",
  wrongKind: [true, {}, [80], 80n],
  outOfRange: [-1, 65_536, 1.5, NaN, "http", "-1", "1.5", " 80", shown("65536", "65536")],
};
const path: Parameter = {
  name: "path",
  wrongKind: [5, true, {}, [], new Map(), new Uint16Array(1), shown(new URL("http://x/"), "http://x/")],
  outOfRange: [shown("", "empty"), "a\0b", `/${"x".repeat(108)}`],
};
const signal: Parameter = { name: "signal", wrongKind: [5, null, {}, new AbortController()] };
const timeout: Parameter = {
  name: "timeout",
  wrongKind: notNumber,
  outOfRange: [0, -1, NaN, Infinity, 2 ** 31],
};
const options: Parameter = {
  name: "option",
  wrongKind: [5, "x", true, [], new Map(), AbortSignal.abort(), shown({ limits: 1 }, '"limits"')],
};
const wait = (call: (options: { signal: AbortSignal; timeout: number }) => unknown): readonly Row[] => [
  [options, (value) => call(value)],
  [signal, (value) => call({ signal: value } as never)],
  [timeout, (value) => call({ timeout: value } as never)],
];
const liveness = (call: (liveness: never) => unknown): readonly Row[] => [
  [{ name: "liveness", wrongKind: [5, "x", true, [], new Map(), shown({ idel: 1 }, '"idel"')] }, call],
  ...["idle", "writeStall"].map((name): Row => [
    { ...timeout, name: `liveness.${name}` },
    (value) => call({ [name]: value } as never),
  ]),
  [
    {
      name: "liveness.keepAlive",
      wrongKind: ["5", null, {}, 5n],
      outOfRange: [0, 999, 1000.5, -1, NaN, 32_767_001],
    },
    (value) => call({ keepAlive: value } as never),
  ],
];
const sockets = [null, 5, "s", {}, createServer()];

type Row = readonly [parameter: Parameter, call: (value: never) => unknown];

let lookups = 0;
/** Calls `openConnection` with all that it needs, and one option. */
const open = (option: string, base = {}) =>
  [
    (value: unknown) =>
      openConnection("x.test", 80, {
        lookup: () => {
          lookups++;
          throw new Error("looked up");
        },
        ...base,
        [option]: value,
      }),
  ] as const;
const openUnix = (option: string) =>
  [(value: unknown) => openUnixConnection("/nowhere", { [option]: value })] as const;
const start = (option: string) =>
  [(value: unknown) => startServer(() => {}, "127.0.0.1", 0, { [option]: value })] as const;
const startUnix = (option: string) =>
  [(value: unknown) => startUnixServer(() => {}, "/nowhere/s", { [option]: value })] as const;

const opening: readonly Row[] = [
  [
    { name: "host", wrongKind: [5, true, {}, ["a"]], outOfRange: [shown("", "empty"), "a\0b"] },
    (value) => openConnection(value, 80),
  ],
  [port, (value) => openConnection("x.test", value)],
  [options, (value) => openConnection("x.test", 80, value)],
  [limit, ...open("limit")],
  [family, ...open("family")],
  [{ name: "proto", wrongKind: notNumber, outOfRange: [17, -1, NaN] }, ...open("proto")],
  [flags, ...open("flags")],
  [
    {
      name: "localAddr",
      wrongKind: [
        "127.0.0.1",
        null,
        {},
        shown([], "0 values"),
        shown(["127.0.0.1", 0, 0], "3 values"),
        shown([5, 0], "number 5"),
        shown([null, 0], "null"),
        shown(["127.0.0.1", {}], "an instance of Object"),
      ],
      outOfRange: [
        shown(["", 0], "empty"),
        shown(["a\0b", 0], JSON.stringify("a\0b")),
        shown(["127.0.0.1", 65_536], "65536"),
        shown(["127.0.0.1", "http"], '"http"'),
      ],
    },
    ...open("localAddr"),
  ],
  [
    { name: "happyEyeballsDelay", wrongKind: notNumber, outOfRange: [-1, NaN, Infinity, 2 ** 31] },
    ...open("happyEyeballsDelay"),
  ],
  [{ name: "interleave", wrongKind: notNumber, outOfRange: [-1, 0.5, NaN] }, ...open("interleave")],
  [{ name: "allErrors", wrongKind: notBoolean }, ...open("allErrors")],
  [{ name: "lookup", wrongKind: notFunction }, ...open("lookup")],
  [signal, ...open("signal")],
  [timeout, ...open("timeout")],
  [{ name: "ssl", wrongKind: [5, "x", 0, ""] }, ...open("ssl")],
  [
    { name: "serverHostname", wrongKind: [5, {}], outOfRange: ["a\0b"] },
    ...open("serverHostname", { ssl: true }),
  ],
  [
    { name: "serverHostname", wrongKind: [], outOfRange: ["a\0b"] },
    (servername) => openConnection("x.test", 80, { ssl: { servername } }),
  ],
  ...liveness(...open("liveness")),
  [{ name: "A Stream Socket", wrongKind: sockets }, (sock) => openConnection({ sock })],
];

const openingUnix: readonly Row[] = [
  [path, (value) => openUnixConnection(value, {})],
  [options, (value) => openUnixConnection("/nowhere", value)],
  [limit, ...openUnix("limit")],
  [signal, ...openUnix("signal")],
  [timeout, ...openUnix("timeout")],
  [{ name: "ssl", wrongKind: [5, "x", 0, ""] }, ...openUnix("ssl")],
  ...liveness(...openUnix("liveness")),
  [{ name: "A UNIX Domain Stream Socket", wrongKind: sockets }, (sock) => openUnixConnection({ sock })],
];

const callback: Parameter = { name: "clientConnectedCb", wrongKind: [undefined, 5, "f", {}] };
const backlog: Parameter = { name: "backlog", wrongKind: notNumber, outOfRange: [-1, 1.5, NaN, 2 ** 31] };
const maxConnections: Parameter = {
  name: "maxConnections",
  wrongKind: notNumber,
  outOfRange: [0, -1, 1.5, NaN, Infinity],
};
const whenFull: Parameter = { name: "whenFull", wrongKind: [5, null, true], outOfRange: ["drop", ""] };
const listeningSock: Parameter = {
  name: "sock",
  wrongKind: [null, 5, "s", {}, shown({ fd: "3" }, '"3"')],
  outOfRange: [shown({ fd: -1 }, "-1"), shown({ fd: 1.5 }, "1.5"), shown({ fd: 2 ** 31 }, String(2 ** 31))],
};

const starting: readonly Row[] = [
  [callback, (value) => startServer(value, "127.0.0.1", 0)],
  [
    {
      name: "host",
      wrongKind: [
        5,
        true,
        shown(["127.0.0.1", 5], "number 5"),
        shown([null], "null"),
        new Set(["127.0.0.1"]),
      ],
      outOfRange: ["a\0b", shown(["127.0.0.1", "a\0b"], JSON.stringify("a\0b"))],
    },
    (value) => startServer(() => {}, value, 0),
  ],
  [port, (value) => startServer(() => {}, "127.0.0.1", value)],
  [options, (value) => startServer(() => {}, "127.0.0.1", 0, value)],
  [limit, ...start("limit")],
  [family, ...start("family")],
  [flags, ...start("flags")],
  [backlog, ...start("backlog")],
  [{ name: "ssl", wrongKind: [shown(true, "ssl"), shown(false, "ssl"), 5, "x"] }, ...start("ssl")],
  ...["reuseAddress", "reusePort", "keepAlive", "startServing", "autoClose"].map((name): Row => [
    { name, wrongKind: notBoolean },
    ...start(name),
  ]),
  [{ name: "onError", wrongKind: notFunction }, ...start("onError")],
  [maxConnections, ...start("maxConnections")],
  [whenFull, ...start("whenFull")],
  ...liveness(...start("liveness")),
  [listeningSock, (sock) => startServer(() => {}, { sock })],
];

const startingUnix: readonly Row[] = [
  [callback, (value) => startUnixServer(value, "/nowhere/s")],
  [path, (value) => startUnixServer(() => {}, value, {})],
  [options, (value) => startUnixServer(() => {}, "/nowhere/s", value)],
  [limit, ...startUnix("limit")],
  [backlog, ...startUnix("backlog")],
  [{ name: "ssl", wrongKind: [shown(true, "ssl"), shown(false, "ssl"), 5, "x"] }, ...startUnix("ssl")],
  ...["cleanupSocket", "startServing", "autoClose"].map((name): Row => [
    { name, wrongKind: notBoolean },
    ...startUnix(name),
  ]),
  [{ name: "onError", wrongKind: notFunction }, ...startUnix("onError")],
  [maxConnections, ...startUnix("maxConnections")],
  [whenFull, ...startUnix("whenFull")],
  ...liveness(...startUnix("liveness")),
  [listeningSock, (sock) => startUnixServer(() => {}, { sock })],
];

const noError = [undefined, null, "error", { message: "error" }];
const noBytes = [5, null, {}, [1], new ArrayBuffer(1), new Uint16Array(1)];

const reading: readonly Row[] = [
  [options, (value) => new StreamReader(value)],
  [limit, (value) => new StreamReader({ limit: value })],
  [
    { name: "read size", wrongKind: notNumber, outOfRange: [1.5, NaN, Infinity, -Infinity] },
    (value) => new StreamReader().read(value),
  ],
  [
    {
      name: "readExactly size",
      wrongKind: ["5", "-5", -5n, undefined, null, true, {}],
      outOfRange: [-1, 1.5, NaN, Infinity, -Infinity],
    },
    (value) => new StreamReader().readExactly(value),
  ],
  [
    {
      name: "separator",
      wrongKind: [5, null, {}, shown(["\n", 5], "number 5"), shown([["\n"]], "an instance of Array")],
      outOfRange: [
        shown("", "at least one-byte string"),
        shown(["\n", ""], "at least one-byte string"),
        shown(new Uint8Array(), "at least one-byte string"),
        shown([], "at least one element"),
      ],
    },
    (value) => new StreamReader().readUntil(value),
  ],
  [{ name: "feedData()", wrongKind: [...noBytes, "text"] }, (value) => new StreamReader().feedData(value)],
  [{ name: "setException()", wrongKind: noError }, (value) => new StreamReader().setException(value)],
  [{ name: "feedError()", wrongKind: noError }, (value) => new StreamReader().feedError(value)],
  [
    {
      name: "setTransport()",
      wrongKind: [5, null, undefined, {}, { pauseReading() {} }, { resumeReading() {} }],
    },
    (value) => new StreamReader().setTransport(value),
  ],
];

/** A connection whose end the running test closes. */
async function connection(): Promise<Connection> {
  const [sock, peer] = await socketPair();
  cleanup(() => peer.destroy());
  const opened = await openConnection({ sock });
  cleanup(() => opened.writer.transport.abort());
  return opened;
}

function writing(opened: Connection): readonly Row[] {
  const { writer } = opened;
  const { transport } = writer;
  const socket = transport.getExtraInfo("socket")!;
  const name: Parameter = { name: "name", wrongKind: [5, null, undefined, {}] };
  const noLines = [
    "bare",
    Buffer.from("bare"),
    5,
    null,
    undefined,
    {},
    shown([5], "number 5"),
    shown(["line", null], "null"),
  ];
  const mark = (which: "high" | "low"): Row => [
    {
      name: which,
      wrongKind: ["5", null, true, {}],
      outOfRange: [shown(-1, "(-1)"), shown(NaN, "(NaN)")],
    },
    (value) => transport.setWriteBufferLimits({ [which]: value }),
  ];
  return [
    [{ name: "data", wrongKind: noBytes }, (value) => writer.write(value)],
    [{ name: "data", wrongKind: noBytes }, (value) => transport.write(value)],
    [{ name: "data", wrongKind: noBytes }, (value) => writer.send(value)],
    ...wait((given) => writer.send("x", given)),
    ...wait((given) => writer.flush(given)),
    [options, (value) => writer.close(value)],
    [timeout, (value) => writer.close({ timeout: value })],
    [{ name: "", wrongKind: noLines }, (value) => writer.writeLines(value)],
    [{ name: "", wrongKind: noLines }, (value) => transport.writeLines(value)],
    [name, (value) => writer.getExtraInfo(value)],
    [name, (value) => transport.getExtraInfo(value)],
    [options, (value) => transport.setWriteBufferLimits(value)],
    mark("high"),
    mark("low"),
    [{ name: "enable", wrongKind: [undefined, ...notBoolean] }, (value) => socket.setNoDelay(value)],
    [{ name: "enable", wrongKind: [undefined, ...notBoolean] }, (value) => socket.setKeepAlive(value)],
    [
      { name: "initialDelay", wrongKind: notNumber, outOfRange: [-1, 0.5, NaN, 32_767_001, 2 ** 50] },
      (value) => socket.setKeepAlive(true, value),
    ],
  ];
}

/** Fails unless `call` throws or rejects with such an error that names the parameter and shows the value. */
async function checkRefusal(
  ErrorClass: typeof TypeError | typeof RangeError,
  given: unknown,
  [{ name }, call]: Row,
): Promise<void> {
  const { value, text } = given instanceof Shown ? given : new Shown(given, textOf(given));
  await assert.rejects(
    async () => call(value as never),
    (error: Error) => {
      assert.equal(error.constructor, ErrorClass, `${text} gave ${error.stack}`);
      const message = error.message.toLowerCase();
      assert.ok(message.includes(name.toLowerCase()), `${text} gave ${error.message}`);
      assert.ok(error.message.includes(text), `${text} gave ${error.message}`);
      return true;
    },
    `${name} of ${text} was taken`,
  );
}

function describeArguments(what: string, rows: readonly Row[]): void {
  describe(what, () => {
    for (const row of rows) {
      const [{ name, wrongKind, outOfRange = [] }] = row;
      it(`refuses a wrong ${name}, and has started nothing`, async () => {
        lookups = 0;
        const nothingStarted = await watchResources();
        for (const value of wrongKind) await checkRefusal(TypeError, value, row);
        for (const value of outOfRange) await checkRefusal(RangeError, value, row);
        await nothingStarted();
        assert.equal(lookups, 0);
      });
    }
  });
}

describeArguments("openConnection()", opening);
describeArguments("openUnixConnection()", openingUnix);
describeArguments("startServer()", starting);
describeArguments("startUnixServer()", startingUnix);
describeArguments("StreamReader", reading);

describe("StreamWriter, its transport and its socket", () => {
  it("refuse wrong arguments, and send nothing", async () => {
    const opened = await connection();
    for (const row of writing(opened)) {
      const [{ wrongKind, outOfRange = [] }] = row;
      for (const value of wrongKind) await checkRefusal(TypeError, value, row);
      for (const value of outOfRange) await checkRefusal(RangeError, value, row);
    }
    const { transport } = opened.writer;
    assert.equal(transport.getWriteBufferSize(), 0);
    assert.deepEqual(transport.getWriteBufferLimits(), [16_384, 65_536]);
  });

  it("name both marks when one is above the other (46)", async () => {
    const { transport } = (await connection()).writer;
    const message = "high (1) must be >= low (2) must be >= 0";
    assert.throws(() => transport.setWriteBufferLimits({ high: 1, low: 2 }), { name: "RangeError", message });
  });
});

describe("Server", () => {
  it("refuses wrong arguments, and serves on", async () => {
    const server = await startServer(() => {}, "127.0.0.1", 0, { startServing: false });
    const taking = await startServer(null, "127.0.0.1", 0);
    cleanup(() => [server.close(), taking.close()]);
    const rows: readonly Row[] = [
      [options, (value) => server.serveForever(value)],
      [signal, (value) => server.serveForever({ signal: value })],
      [options, (value) => server.waitClosed(value)],
      [signal, (value) => server.waitClosed({ signal: value })],
      [timeout, (value) => server.waitClosed({ timeout: value })],
      [options, (value) => server.shutdown(value)],
      [signal, (value) => server.shutdown({ signal: value })],
      [
        { name: "grace", wrongKind: notNumber, outOfRange: [-1, NaN, 2 ** 31] },
        (grace) => server.shutdown({ grace }),
      ],
      [options, async (value) => taking.connections(value)],
      [signal, async (value) => taking.connections({ signal: value })],
      [timeout, async (value) => taking.connections({ timeout: value })],
    ];
    for (const row of rows) {
      for (const value of row[0].wrongKind) await checkRefusal(TypeError, value, row);
      for (const value of row[0].outOfRange ?? []) await checkRefusal(RangeError, value, row);
    }
    assert.equal(server.isServing(), false);
    await server.startServing();
    assert.equal(server.isServing(), true);
  });
});

describe("arguments that do not go together", () => {
  const sock = new Socket();
  const cb = () => {};

  const noAddress = "host and port was not specified and no sock specified";
  const twoAddresses = "host/port and sock can not be specified at the same time";
  const noListener = "Neither host/port nor sock were specified";
  const twoPaths = "path and sock can not be specified at the same time";
  const noTls = "ssl argument must be TLS options or undefined";
  const noHost = "You must set serverHostname when using ssl without a host";
  const noPathHost = "you have to pass serverHostname when using ssl";
  const listening = { fd: 1 };

  type Case = readonly [point: number, what: string, call: () => Promise<unknown>, message: string];
  const withoutTls = (name: string, option: object): Case[] => {
    const message = `${name} is only meaningful with ssl`;
    return [
      [56, `${name} alone`, () => openConnection("x.test", 80, option), message],
      [56, `${name} without TLS`, () => openConnection("x.test", 80, { ssl: false, ...option }), message],
      [82, `${name} for a path`, () => openUnixConnection("/nowhere", option), message],
    ];
  };
  const ofServer = (name: string): Case[] => {
    const message = `${name} is only meaningful with ssl`;
    const option = { [name]: 1 };
    return [
      [68, `${name} of a server`, () => startServer(cb, "127.0.0.1", 0, option), message],
      [83, `${name} of a server at a path`, () => startUnixServer(cb, "/nowhere/s", option), message],
    ];
  };
  const cases: readonly Case[] = [
    [56, "nothing to connect to", () => openConnection(), noAddress],
    [56, "nothing but null", () => openConnection(null, null, {}), noAddress],
    [56, "host and sock", () => openConnection("x.test", null, { sock }), twoAddresses],
    [56, "port and sock", () => openConnection(null, 80, { sock }), twoAddresses],
    [56, "empty port and sock", () => openConnection(null, "", { sock }), twoAddresses],
    ...withoutTls("serverHostname", { serverHostname: "x.test" }),
    ...withoutTls("sslHandshakeTimeout", { sslHandshakeTimeout: 1 }),
    ...withoutTls("sslShutdownTimeout", { sslShutdownTimeout: 1 }),
    ...withoutTls("truncation", { truncation: "ignore" }),
    ...["sslHandshakeTimeout", "sslShutdownTimeout", "truncation"].flatMap(ofServer),
    [56, "TLS without a host", () => openConnection(null, 80, { ssl: true }), noHost],
    [82, "TLS to a path without a name", () => openUnixConnection("/x", { ssl: true }), noPathHost],
    [68, "nothing to listen at", () => startServer(cb), noListener],
    [68, "nothing but null to listen at", () => startServer(cb, null, null, {}), noListener],
    [68, "host and listening sock", () => startServer(cb, "x", null, { sock: listening }), twoAddresses],
    [68, "port and listening sock", () => startServer(cb, null, 0, { sock: listening }), twoAddresses],
    [68, "a server with ssl true", () => startServer(cb, "127.0.0.1", 0, { ssl: true as never }), noTls],
    [82, "no path", () => openUnixConnection(), "no path and sock were specified"],
    [82, "null as path", () => openUnixConnection(null, {}), "no path and sock were specified"],
    [82, "path and sock", () => openUnixConnection("/nowhere", { sock }), twoPaths],
    [82, "empty path and sock", () => openUnixConnection("", { sock }), twoPaths],
    [83, "no path to listen at", () => startUnixServer(cb), "path was not specified, and no sock specified"],
    [83, "path and listening sock", () => startUnixServer(cb, "/x", { sock: listening }), twoPaths],
    [83, "a server at a path with ssl true", () => startUnixServer(cb, "/x", { ssl: true as never }), noTls],
  ];
  for (const [point, what, call, message] of cases) {
    it(`give a TypeError: ${what} (${point})`, async () => {
      await assert.rejects(call, { name: "TypeError", message });
    });
  }

  it("are told of in CPython's order (56)", async () => {
    const wrong = { limit: 0, serverHostname: "x.test", sslHandshakeTimeout: 1, sock };
    await assert.rejects(openConnection("x.test", 80, wrong), /^RangeError: Limit cannot be <= 0/);
    const later = { ...wrong, limit: 1 };
    await assert.rejects(openConnection("x.test", 80, later), /^TypeError: serverHostname is only/);
  });

  it("refuse what TLS cannot be made of, before anything is opened (56, 68, 82, 83)", async () => {
    const nothingStarted = await watchResources();
    const cert = "no certificate";
    const wrong: readonly [() => Promise<unknown>, RegExp][] = [
      [() => openConnection("127.0.0.1", 9, { ssl: { cert, key: cert } }), /PEM|pem/],
      [() => openUnixConnection("/nowhere", { ssl: { ca: 5 as never }, serverHostname: "x" }), /ca/],
      [
        () => startServer(cb, "127.0.0.1", 0, { ssl: {} }),
        /^TypeError: ssl of a server must have one of cert/,
      ],
      [() => startServer(cb, "127.0.0.1", 0, { ssl: { cert, key: cert } }), /PEM|pem/],
      [
        () => startUnixServer(cb, "/nowhere/s", { ssl: {} }),
        /^TypeError: ssl of a server must have one of cert/,
      ],
    ];
    for (const [call, message] of wrong) await assert.rejects(call, message);
    await nothingStarted();
  });

  it("may be null or undefined where they are optional", async () => {
    const server = await startServer(cb, "127.0.0.1", 0, {
      ssl: undefined,
      onError: undefined,
      sock: undefined,
    });
    cleanup(() => server[Symbol.asyncDispose]());
    const [, boundPort] = server.sockets[0]!.getsockname() as readonly [string, number];
    const all = ["limit", "sock", "signal", "timeout", "ssl", "serverHostname", "family", "proto", "flags"];
    const more = ["localAddr", "happyEyeballsDelay", "interleave", "allErrors", "lookup"];
    const none = Object.fromEntries([...all, ...more].map((name) => [name, undefined]));
    const [, writer] = await openConnection("127.0.0.1", boundPort, none);
    writer.transport.abort();
    server.abortClients();
  });
});

describe("options of one function", () => {
  const unknown: readonly [what: string, call: () => Promise<unknown>][] = [
    ["openConnection", () => openConnection("x.test", 80, { cleanupSocket: true } as object)],
    ["openUnixConnection", () => openUnixConnection("/nowhere", { family: 4 } as object)],
    ["startServer", () => startServer(() => {}, "127.0.0.1", 0, { timeout: 5 } as object)],
    ["startUnixServer", () => startUnixServer(() => {}, "/nowhere/s", { keepAlive: true } as object)],
  ];
  for (const [name, call] of unknown) {
    it(`are not those of another: ${name}()`, async () => {
      await assert.rejects(call, {
        name: "TypeError",
        message: new RegExp(`^${name}\\(\\) got an unexpected option "\\w+"$`),
      });
    });
  }
});
