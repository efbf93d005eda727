// Who is measured, and what each can do. The first is what the others are compared with.
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { needsPython } from "../build/test/support/python.js";
import { installedRuntime } from "../scripts/tests/runtimes.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const built = here("../build/bench/");

const STREAM_ROLES = ["echo", "sink", "source"];
const NATIVE_ROLES = [...STREAM_ROLES, "lines-echo", "lines"];
const BASIC_ROLES = [...NATIVE_ROLES, "frames"];
const SERVED = [...BASIC_ROLES, "until", "both", "burst", "relay"];
const TLS_ROLES = ["tls-echo", "tls-both"];
const ALL = [...SERVED, ...TLS_ROLES, "connect"];

export const BASE = "node:net, plain";

/** `command()`, without the role and what follows it; throws where the machine lacks what it needs. */
export const CONTENDERS = [
  { name: BASE, roles: ALL, command: () => onNode("node-plain.mjs") },
  {
    name: "asyncio-streams, awaited",
    roles: ALL,
    isOurs: true,
    command: () => onNode("asyncio-streams.mjs"),
  },
  {
    name: "asyncio-streams, sync or batch",
    roles: ["echo", "lines-echo", "lines", "frames", "sink"],
    isOurs: true,
    command: () => onNode("asyncio-streams.mjs"),
    style: "quick",
  },
  {
    name: "node:net, tuned by hand",
    roles: ["lines-echo", "burst"],
    command: () => onNode("node-tuned.mjs"),
  },
  {
    name: "for await on a socket",
    roles: ["echo", "lines-echo", "lines", "frames", "sink"],
    command: () => onNode("for-await.mjs"),
  },
  { name: "promise-socket", roles: STREAM_ROLES, command: () => onNode("../peers/promise-socket.mjs") },
  {
    name: "node:stream/promises",
    roles: ["echo", "sink", "relay"],
    command: () => onNode("stream-promises.mjs"),
  },
  { name: "Web Streams", roles: STREAM_ROLES, command: () => onNode("web-streams.mjs") },
  { name: "node:readline", roles: ["lines-echo", "lines"], command: () => onNode("readline.mjs") },
  { name: "asyncio-streams on Bun", roles: ALL, isOurs: true, command: () => onBun("asyncio-streams.mjs") },
  { name: "Bun's sockets", roles: NATIVE_ROLES, command: () => onBun("bun-native.mjs") },
  { name: "asyncio-streams on Deno", roles: ALL, isOurs: true, command: () => onDeno("asyncio-streams.mjs") },
  { name: "Deno's connections", roles: STREAM_ROLES, command: () => onDeno("deno-native.mjs") },
  { name: "CPython asyncio", roles: ALL, command: () => [python(), server("asyncio_streams.py")] },
  {
    name: "uvloop",
    roles: ALL,
    command: () => [uvloopPython(), server("asyncio_streams.py")],
    style: "uvloop",
  },
  {
    name: "Go",
    roles: BASIC_ROLES,
    command: () => [buildGo()],
    environment: { GOMAXPROCS: "1" },
  },
  {
    name: "C, epoll",
    roles: BASIC_ROLES,
    command: () => [buildC("epoll", server("epoll.c"), [])],
  },
];

const server = (file) => here(`servers/${file}`);

const onNode = (file) => [installedRuntime("node24").program, "--expose-gc", server(file)];
const onBun = (file) => [installedRuntime("bun").program, server(file)];
const onDeno = (file) => [
  installedRuntime("deno").program,
  "run",
  "-A",
  "--no-check",
  "--quiet",
  server(file),
];

function python() {
  const { command, options } = needsPython();
  if (options.skip) throw new Error(options.skip);
  return command;
}

/** Debian's, whose package python3-uvloop is for its own Python. */
function uvloopPython() {
  const command = "/usr/bin/python3";
  if (spawnSync(command, ["-c", "import uvloop"]).status !== 0) throw new Error(`${command} has no uvloop`);
  return command;
}

function buildGo() {
  const program = `${built}go`;
  run("go", ["build", "-o", program, server("go.go")], { GO111MODULE: "off", GOCACHE: `${built}go-cache` });
  return program;
}

/** Compiles one file of C, and gives the program. */
function buildC(name, file, libraries) {
  const program = `${built}${name}`;
  run("gcc", ["-O2", "-Wall", "-Wextra", "-o", program, file, ...libraries]);
  return program;
}

/** The load, for which the machine needs a C compiler and the headers of OpenSSL. */
export const buildLoad = () => buildC("load", here("load/load.c"), ["-lssl", "-lcrypto"]);

function run(command, args, environment) {
  mkdirSync(built, { recursive: true });
  const { status, stderr, error } = spawnSync(command, args, {
    encoding: "utf8",
    env: { ...process.env, ...environment },
  });
  if (error !== undefined || status !== 0)
    throw new Error(`${command} failed: ${error?.message ?? stderr.trim()}`);
}
