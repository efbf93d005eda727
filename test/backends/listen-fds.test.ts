import assert from "node:assert/strict";
import { once } from "node:events";
import { renameSync } from "node:fs";
import { createServer, type AddressInfo, type Server as NetServer } from "node:net";
import { describe, it } from "node:test";
import { listenFds, openConnection, openUnixConnection, type Connection } from "asyncio-streams";
import { cleanups } from "../support/cleanup.js";
import { descriptorOf } from "../support/descriptors.js";
import { temporaryFolder } from "../support/folders.js";
import { packageRoot } from "../support/package-root.js";
import { runCommand, type Program } from "../support/processes.js";

const cleanup = cleanups();
const skip = process.platform === "win32" && "there is no socket activation on Windows";

/** Sets the variables that are given, takes the others away, and puts all back at the end. */
function setVariables(variables: Readonly<Record<string, string>>): void {
  for (const name of ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]) {
    const before = process.env[name];
    cleanup(() => (before === undefined ? delete process.env[name] : (process.env[name] = before)));
    delete process.env[name];
  }
  Object.assign(process.env, variables);
}

const variablesLeft = () => Object.keys(process.env).filter((name) => name.startsWith("LISTEN_"));

describe("listenFds()", () => {
  const LISTEN_PID = String(process.pid);

  it("gives descriptors from 3 on, with their names, and removes the variables", () => {
    setVariables({ LISTEN_PID, LISTEN_FDS: "2", LISTEN_FDNAMES: "http:" });
    assert.deepEqual(listenFds(), [
      { fd: 3, name: "http" },
      { fd: 4, name: "" },
    ]);
    assert.deepEqual(variablesLeft(), []);
    assert.deepEqual(listenFds(), []);
  });

  it('calls them "unknown" without names, and leaves the variables if told to', () => {
    setVariables({ LISTEN_PID, LISTEN_FDS: "1" });
    for (let round = 0; round < 2; round++) {
      assert.deepEqual(listenFds({ unsetEnvironment: false }), [{ fd: 3, name: "unknown" }]);
    }
  });

  const NONE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    "no variables": {},
    "no LISTEN_PID": { LISTEN_FDS: "1" },
    "no LISTEN_FDS": { LISTEN_PID },
    "another process": { LISTEN_PID: String(process.pid + 1), LISTEN_FDS: "1", LISTEN_FDNAMES: "a:b" },
    "no sockets": { LISTEN_PID, LISTEN_FDS: "0", LISTEN_FDNAMES: "" },
  };
  for (const [what, variables] of Object.entries(NONE)) {
    it(`gives none, and removes the variables: ${what}`, () => {
      setVariables(variables);
      assert.deepEqual(listenFds(), []);
      assert.deepEqual(variablesLeft(), []);
    });
  }

  const range = "must be a whole number from 0 to";
  const MALFORMED: readonly [Readonly<Record<string, string>>, message: string][] = [
    [{ LISTEN_PID: "x", LISTEN_FDS: "1" }, `LISTEN_PID ${range} 9007199254740991, got "x"`],
    [{ LISTEN_PID, LISTEN_FDS: "-1" }, `LISTEN_FDS ${range} 1048576, got "-1"`],
    [{ LISTEN_PID, LISTEN_FDS: "" }, `LISTEN_FDS ${range} 1048576, got ""`],
    [{ LISTEN_PID, LISTEN_FDS: "1e3" }, `LISTEN_FDS ${range} 1048576, got "1e3"`],
    [{ LISTEN_PID, LISTEN_FDS: "1048577" }, `LISTEN_FDS ${range} 1048576, got "1048577"`],
    [
      { LISTEN_PID, LISTEN_FDS: "2", LISTEN_FDNAMES: "a" },
      'LISTEN_FDNAMES must have 2 names, as LISTEN_FDS says, got "a"',
    ],
  ];
  for (const [variables, message] of MALFORMED) {
    it(`refuses ${JSON.stringify({ ...variables, LISTEN_PID: undefined })}: ${message}`, () => {
      setVariables(variables);
      assert.throws(() => listenFds(), { name: "RangeError", message });
      assert.deepEqual(variablesLeft(), []);
    });
  }

  it("refuses wrong options, and leaves the variables", () => {
    setVariables({ LISTEN_PID, LISTEN_FDS: "1" });
    for (const options of [7, { unset: true }, { unsetEnvironment: 1 }]) {
      assert.throws(() => listenFds(options as object), TypeError);
    }
    assert.equal(listenFds().length, 1);
  });
});

describe("listenFds() in a process that was handed sockets", { skip }, () => {
  /** As an init system does it: the sockets from descriptor 3 on, and the process told by its own id. */
  function activate(variables: string, listeners: readonly NetServer[], ...args: string[]): Program {
    const file = `${packageRoot}/build/test/programs/serve-listen-fds.js`;
    const command = ["-c", `${variables} exec "$@"`, "sh", process.execPath, file, ...args];
    return runCommand(cleanup, "sh", command, { descriptor: listeners.map(descriptorOf) });
  }

  async function listening(where: { path: string } | { host: string; port: number }): Promise<NetServer> {
    const listener = createServer();
    listener.listen(where);
    await once(listener, "listening");
    cleanup(() => listener.close());
    return listener;
  }

  async function assertGreets({ reader, writer }: Connection, greeting: string): Promise<void> {
    assert.equal((await reader.readLine()).toString(), greeting);
    writer.close();
  }

  it("serves at TCP and Unix sockets under their names, which child processes do not see", async () => {
    const path = `${await temporaryFolder(cleanup)}/s`;
    const tcp = await listening({ host: "127.0.0.1", port: 0 });
    const unix = await listening({ path: `${path}.first` });
    // Where its own end does not remove it.
    renameSync(`${path}.first`, path);
    const { port } = tcp.address() as AddressInfo;
    const variables = "LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=web:control";
    const program = activate(variables, [tcp, unix]);
    assert.equal(await program.nextLine(), `3 web ["127.0.0.1",${port}]`);
    assert.equal(await program.nextLine(), '4 control ""');
    assert.equal(await program.nextLine(), "left ");
    // The child alone accepts.
    for (const listener of [tcp, unix]) listener.close();
    await assertGreets(await openConnection("127.0.0.1", port), "web\n");
    await assertGreets(await openUnixConnection(path), "control\n");
    assert.deepEqual(await program.finish(), { lines: [], errors: "", status: 0 });
  });

  it("serves at one socket without a name", async () => {
    const tcp = await listening({ host: "127.0.0.1", port: 0 });
    const { port } = tcp.address() as AddressInfo;
    const program = activate("LISTEN_PID=$$ LISTEN_FDS=1", [tcp], "keep");
    assert.equal(await program.nextLine(), `3 unknown ["127.0.0.1",${port}]`);
    assert.equal(await program.nextLine(), "left LISTEN_FDS,LISTEN_PID");
    tcp.close();
    await assertGreets(await openConnection("127.0.0.1", port), "unknown\n");
    assert.deepEqual(await program.finish(), { lines: [], errors: "", status: 0 });
  });

  it("gives none to a process that they are not meant for", async () => {
    const tcp = await listening({ host: "127.0.0.1", port: 0 });
    const program = activate("LISTEN_PID=1 LISTEN_FDS=1", [tcp]);
    assert.equal(await program.nextLine(), "left ");
    assert.deepEqual(await program.finish(), { lines: [], errors: "", status: 0 });
  });
});
