import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { noIpv6 } from "../support/addresses.js";
import { cleanups } from "../support/cleanup.js";
import { runProgram } from "../support/processes.js";

/** What is sent, and how Python shows it. */
const MESSAGES: readonly (readonly [message: string, shown: string])[] = [
  ["Hello World!", `'Hello World!'`],
  ["it's", `"it's"`],
  ["a\nb\\", String.raw`'a\nb\\'`],
  ["größe 🙂", `'größe 🙂'`],
];

describe("The example echo-client", () => {
  const cleanup = cleanups();

  for (const [message, shown] of MESSAGES) {
    it(`sends ${shown} and prints the answer`, async () => {
      const server = createServer((socket) => socket.pipe(socket)).listen(0, "127.0.0.1");
      cleanup(() => server.close());
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      const program = runProgram(cleanup, "examples/echo-client.js", [message, "127.0.0.1", String(port)]);
      assert.deepEqual(await program.finish(), {
        lines: [`Send: ${shown}`, `Received: ${shown}`, "Close the connection"],
        errors: "",
        status: 0,
      });
    });
  }

  it("ends with the error when nobody listens", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    server.close();
    const program = runProgram(cleanup, "examples/echo-client.js", ["Hello", "127.0.0.1", String(port)]);
    const { lines, errors, status } = await program.finish();
    assert.deepEqual(lines, []);
    assert.match(errors, /ConnectionRefusedError: Connect call failed \('127\.0\.0\.1', \d+\)/);
    assert.equal(status, 1);
  });
});

describe("The example echo-server", () => {
  const cleanup = cleanups();

  async function assertServes(host: string, tail: string): Promise<void> {
    const program = runProgram(cleanup, "examples/echo-server.js", [host, "0"]);
    const greeting = (await program.nextLine()) ?? "";
    const port = Number(/, (\d+)/.exec(greeting)?.[1]);
    assert.equal(greeting, `Serving on ('${host}', ${port}${tail})`);
    for (const [message, shown] of MESSAGES) {
      const socket = connect(port, host);
      cleanup(() => socket.destroy());
      socket.setEncoding("utf8").write(message);
      await once(socket, "connect");
      const { localPort } = socket;
      assert.equal((await socket.toArray()).join(""), message);
      const lines = [await program.nextLine(), await program.nextLine(), await program.nextLine()];
      assert.deepEqual(lines, [
        `Received ${shown} from ('${host}', ${localPort}${tail})`,
        `Send: ${shown}`,
        "Close the connection",
      ]);
    }
  }

  it("answers each connection once, and prints what it does", () => assertServes("127.0.0.1", ""));

  it("shows IPv6 addresses as Python does", { skip: noIpv6 }, () => assertServes("::1", ", 0, 0"));
});
