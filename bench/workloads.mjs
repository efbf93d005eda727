// What is measured: what the program under test is to do (its role), what the load does to it, and what counts as one
// operation. `goal`: server CPU an operation against node:net with plain callbacks, more is better.

const KIB = 1024;
const MIB = 1024 * KIB;
const BLOCK = 64 * KIB;

const exchange = (connections, send, receive = send) => [
  "exchange",
  `--connections=${connections}`,
  `--send=${send}`,
  `--receive=${receive}`,
];
const lines = ["--pattern=lines", "--unit=32"];

/** In s. What serves a connection runs too seldom to be compiled in the time that others have. */
const LONG_WARM_UP = 4;

/** `bytes`: the load counts bytes, and so many are one operation; `messages`: an exchange carries so many. */
export const WORKLOADS = [
  {
    name: "ping-pong-1",
    title: "ping-pong of 64 B, 1 connection",
    role: "echo",
    load: exchange(1, 64),
    goal: [1.1],
  },
  {
    name: "ping-pong-50",
    title: "ping-pong of 64 B, 50 connections",
    role: "echo",
    load: exchange(50, 64),
    goal: [1.35],
  },
  {
    name: "ping-pong-1000",
    title: "ping-pong of 64 B, 1 000 connections",
    role: "echo",
    load: exchange(1000, 64),
  },
  {
    name: "pipelined",
    title: "pipelined lines of 32 B echoed, 256 at a time",
    role: "lines-echo",
    load: [...exchange(1, 256 * 32), ...lines],
    messages: 256,
    goal: [7],
  },
  {
    name: "lines",
    title: "readLine of 32 B lines, a firehose",
    role: "lines",
    load: ["send", ...lines],
    goal: [0.8, 1.5],
  },
  {
    name: "frames",
    title: "frames: a length of 4 B, then 100 B",
    role: "frames",
    load: ["send", "--pattern=frames", "--unit=104"],
    goal: [0.5, 1],
  },
  {
    name: "until",
    title: "readUntil of a separator of 4 B, 1 MiB apart",
    role: "until",
    load: ["send", "--pattern=separated", `--unit=${MIB}`],
  },
  { name: "sink", title: "reads of 64 KiB", role: "sink", load: ["send"], bytes: BLOCK, goal: [1.35, 1.8] },
  {
    name: "source",
    title: "writes of 64 KiB, each with a drain",
    role: "source",
    load: ["receive"],
    bytes: BLOCK,
    goal: [1],
  },
  {
    name: "both-ways",
    title: "reads and writes of 64 KiB at once",
    role: "both",
    load: ["both"],
    bytes: BLOCK,
  },
  { name: "small-writes", title: "100 writes of 10 B in a tick", role: "burst", load: exchange(10, 1, 1000) },
  {
    name: "accept",
    title: "accept, echo 64 B, close",
    role: "echo",
    load: ["visit", "--connections=16"],
    warmUp: LONG_WARM_UP,
    goal: [1],
  },
  {
    name: "connect",
    title: "connect, exchange 64 B, close, as a client",
    role: "connect",
    load: ["serve"],
    warmUp: LONG_WARM_UP,
  },
  { name: "relay", title: "relay of 64 KiB", role: "relay", load: ["relay"], bytes: BLOCK, goal: [1] },
  {
    name: "tls-ping-pong",
    title: "TLS: ping-pong of 64 B, 50 connections",
    role: "tls-echo",
    load: [...exchange(50, 64), "--tls"],
    goal: [1],
  },
  {
    name: "tls-bulk",
    title: "TLS: reads and writes of 64 KiB at once",
    role: "tls-both",
    load: ["both", "--tls"],
    bytes: BLOCK,
    goal: [1],
  },
  {
    name: "tls-accept",
    title: "TLS: accept, echo 64 B, close",
    role: "tls-echo",
    load: ["visit", "--connections=16", "--tls"],
    warmUp: LONG_WARM_UP,
    goal: [1],
  },
  {
    name: "idle",
    title: "ping-pong beside 10 000 idle connections",
    role: "echo",
    load: [...exchange(50, 64), "--idle=10000"],
    shortLoad: [...exchange(50, 64), "--idle=200"],
    memoryGoal: 1.1,
  },
];

/**
 * What must stay flat: the cost of an operation, whatever there is more of. `messages`: how many of what is counted one operation
 * of the load stands for, such as bytes.
 */
export const GROWTH = [
  {
    name: "message-size",
    title: "cost of a byte against the size of a message",
    role: "frames",
    points: [32, 256, 2 * KIB, 16 * KIB, 128 * KIB, MIB, 16 * MIB],
    load: (size) => ["send", "--pattern=frames", `--unit=${size}`],
    messages: (size) => size,
  },
  {
    name: "connections",
    title: "cost of a round trip against the number of connections",
    role: "echo",
    points: [1, 10, 100, 1_000, 10_000],
    load: (connections) => exchange(connections, 64),
  },
  {
    name: "lines-buffered",
    title: "cost of a line against the lines that come at once",
    role: "lines-echo",
    points: [1, 10, 100, 1_000, 10_000, 100_000],
    load: (count) => [...exchange(1, count * 32), ...lines],
    messages: (count) => count,
  },
];
