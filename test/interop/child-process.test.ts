import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import type { StreamReader, StreamWriter } from "asyncio-streams";
import { fromChildProcess, fromReadable, toDuplex } from "asyncio-streams/node";
import { patternBytes } from "../support/bytes.js";
import { cleanups } from "../support/cleanup.js";
import { connectedInMemory } from "../support/connections.js";
import { leavingNothing } from "../support/open-resources.js";
import { packageRoot } from "../support/package-root.js";
import { isPending, turns } from "../support/turns.js";

interface Piped {
  readonly stdin: StreamWriter;
  readonly stdout: StreamReader;
  readonly stderr: StreamReader;
}

describe("fromChildProcess()", () => {
  const cleanup = cleanups();

  function start(
    command: string,
    args: readonly string[] = [],
    undo = cleanup,
  ): { child: ChildProcess; streams: Piped } {
    const child = spawn(command, args);
    undo(async () => {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    });
    return { child, streams: fromChildProcess(child) as Piped };
  }

  const node = (script: string) => start(process.execPath, ["-e", script]);

  async function send(writer: StreamWriter, bytes: Uint8Array): Promise<void> {
    for (let start = 0; start < bytes.length; start += 50_000) {
      writer.write(bytes.subarray(start, start + 50_000));
      await writer.drain();
    }
    writer.close();
    await writer.waitClosed();
  }

  it("sorts lines with sort", async () => {
    const { child, streams } = start("sort", ["-n"]);
    const numbers = Array.from({ length: 20_000 }, (_, index) => (index * 7919) % 20_000);
    const sent = send(streams.stdin, Buffer.from(numbers.map((number) => `${number}\n`).join("")));
    const lines: number[] = [];
    for await (const line of streams.stdout) lines.push(Number(line));
    await sent;
    assert.deepEqual(
      lines,
      Array.from({ length: 20_000 }, (_, index) => index),
    );
    assert.equal((await streams.stderr.read()).length, 0);
    if (child.exitCode === null) await once(child, "exit");
    assert.equal(child.exitCode, 0);
  });

  it("carries much through cat, both ways at once", async () => {
    const { streams } = start("cat");
    const bytes = patternBytes(20_000_000);
    const [received] = await Promise.all([streams.stdout.read(), send(streams.stdin, bytes)]);
    assert.ok(received.equals(bytes));
  });

  it("reads much on both outputs at once", async () => {
    const { streams } = node(
      `for (let i = 0; i < 200; i++) { process.stdout.write("o".repeat(50000)); process.stderr.write("e".repeat(50000)) }`,
    );
    const [out, err] = await Promise.all([streams.stdout.read(), streams.stderr.read()]);
    assert.ok(out.equals(Buffer.alloc(10_000_000, "o")));
    assert.ok(err.equals(Buffer.alloc(10_000_000, "e")));
  });

  it("holds a child back whose output nobody reads, and one that does not read holds us back", async () => {
    const { streams } = start("cat");
    const bytes = patternBytes(5_000_000);
    const sent = send(streams.stdin, bytes);
    await turns(200);
    assert.ok(await isPending(sent));
    assert.ok(streams.stdout.bufferedBytes < 1_000_000);
    assert.ok((await streams.stdout.read()).equals(bytes));
    await sent;
  });

  it("fails writes to a child that ends early, and what it had said can be read", async () => {
    const { child, streams } = start("head", ["-n", "1"]);
    const exited = once(child, "exit");
    const sent = async () => {
      for (;;) {
        streams.stdin.write(`the line\n${"x".repeat(100_000)}`);
        await streams.stdin.drain();
      }
    };
    await assert.rejects(sent(), { name: /^(BrokenPipeError|ConnectionResetError)$/ });
    await assert.rejects(streams.stdin.waitClosed());
    assert.equal((await streams.stdout.read()).toString(), "the line\n");
    await exited;
  });

  it("tells of a child that ends before it has taken all that close() sends", async () => {
    const { streams } = node("process.stdin.once('readable', () => process.exit())");
    streams.stdin.write(patternBytes(5_000_000));
    streams.stdin.close();
    await assert.rejects(streams.stdin.waitClosed(), { name: /^(BrokenPipeError|ConnectionResetError)$/ });
  });

  it("gives the end of the output of a child that is killed", async () => {
    const { child, streams } = node("console.log('up'); setInterval(() => {}, 1000)");
    assert.equal((await streams.stdout.readLine()).toString(), "up\n");
    child.kill("SIGKILL");
    assert.equal((await streams.stdout.read()).length, 0);
    assert.equal((await streams.stderr.read()).length, 0);
  });

  it("gives empty streams for a command that does not exist; the child tells why", async () => {
    const { child, streams } = start("/no/such/command");
    const [[error], out, err] = await Promise.all([
      once(child, "error") as Promise<unknown> as Promise<[NodeJS.ErrnoException]>,
      streams.stdout.read(),
      streams.stderr.read(),
    ]).catch((reason: unknown) => [[reason], "", ""] as never);
    assert.equal(error.code, "ENOENT");
    assert.deepEqual([out.length, err.length], [0, 0]);
    await assert.rejects(streams.stdin.waitClosed());
  });

  it("gives nothing for pipes that the child was not given, and keeps to the limit it is given", async () => {
    const child = spawn(process.execPath, ["-e", "console.log('x'.repeat(100))"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const streams = fromChildProcess(child, { limit: 10 });
    assert.deepEqual([streams.stdin, streams.stderr], [undefined, undefined]);
    await assert.rejects(streams.stdout!.readLine(), { name: "LineTooLongError" });
    await once(child, "close");
  });

  it("has a child that uses the streams of its own standard input and output", async () => {
    const { child, streams } = start(process.execPath, [`${packageRoot}/build/test/programs/copy-input.js`]);
    const text = Buffer.from("a line\n".repeat(100_000));
    const [received, told] = await Promise.all([
      streams.stdout.read(),
      streams.stderr.read(),
      send(streams.stdin, text),
    ]);
    assert.ok(received.equals(text));
    assert.equal(told.toString(), "700000\n");
    if (child.exitCode === null) await once(child, "exit");
    assert.equal(child.exitCode, 0);
  });

  it("lets the output of a child go into a connection, by pipe()", async () => {
    const { near, far } = connectedInMemory();
    const child = spawn("cat");
    child.stdout.pipe(toDuplex(near));
    child.stdin.end("through all of it");
    assert.equal((await far.reader.read()).toString(), "through all of it");
    assert.equal((await fromReadable(child.stderr).read()).length, 0);
    near.writer.transport.abort();
  });

  it("leaves nothing behind", async () => {
    await leavingNothing(async (undo) => {
      const { child, streams } = start("cat", [], undo);
      const closed = once(child, "close");
      await Promise.all([
        streams.stdout.read(),
        streams.stderr.read(),
        send(streams.stdin, Buffer.from("x")),
      ]);
      await closed;
    });
  });
});
