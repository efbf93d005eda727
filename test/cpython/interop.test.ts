import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import {
  IncompleteReadError,
  openConnection,
  startServer,
  StreamReader,
  type StreamWriter,
} from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import { cleanups } from "../support/cleanup.js";
import { needsPython } from "../support/python.js";

const PEER = fileURLToPath(new URL("../../../test/cpython/peer.py", import.meta.url));
const BULK = new Uint8Array(16 * 1024 * 1024).map((_, index) => index % 251);
const python = needsPython();

/** What the server of peer.py does, here. */
const SERVICES: Readonly<Record<string, (reader: StreamReader, writer: StreamWriter) => Promise<void>>> = {
  async echo(reader, writer) {
    for (let data = await reader.read(65_536); data.length > 0; data = await reader.read(65_536)) {
      writer.write(data);
      await writer.drain();
    }
  },
  async lines(reader, writer) {
    for await (const line of reader) {
      writer.write(line.toString().toUpperCase());
      await writer.drain();
    }
    writer.write("bye\n");
  },
  async frames(reader, writer) {
    for (;;) {
      const head = await reader.readExactly(4).catch((error: unknown) => {
        assert.ok(error instanceof IncompleteReadError && error.partial.length === 0);
      });
      if (head === undefined) return;
      const payload = await reader.readExactly(head.readUInt32BE());
      writer.writeLines([head, payload.toReversed()]);
      await writer.drain();
    }
  },
  async halfclose(reader, writer) {
    writer.write(`${(await reader.read()).length} bytes\n`);
  },
  async bulk(reader, writer) {
    const [received] = await Promise.all([reader.readExactly(BULK.length), writeBulk(writer)]);
    writer.write(`${digest(received)}\n`);
  },
};

async function serve(reader: StreamReader, writer: StreamWriter): Promise<void> {
  const service = (await reader.readLine()).toString().trimEnd();
  await SERVICES[service]!(reader, writer);
  await writer.drain();
}

async function writeBulk(writer: StreamWriter): Promise<void> {
  for (let start = 0; start < BULK.length; start += 65_536) {
    writer.write(BULK.subarray(start, start + 65_536));
    await writer.drain();
  }
}

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

describe("CPython as the client of this server", python.options, () => {
  const cleanup = cleanups();

  it("finds its asyncio on the other side: echo, lines, frames, half-close, 16 MiB each way, 200 at once", async () => {
    const errors: unknown[] = [];
    const options = { backlog: 256, onError: (error: unknown) => errors.push(error) };
    const server = await startServer(serve, "127.0.0.1", 0, options);
    cleanup(() => server[Symbol.asyncDispose]());
    const child = spawn(python.command, [PEER, "client", String(portOf(server))], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    cleanup(() => child.kill());
    const [output, [status]] = await Promise.all([readAll(child), once(child, "exit")]);
    const checks = ["echo", "lines", "frames", "halfclose", "bulk", "many"];
    assert.equal(output, checks.map((name) => `check_${name}\n`).join(""));
    assert.equal(status, 0);
    assert.deepEqual(errors, []);
  });
});

describe("CPython as the server of this client", python.options, () => {
  const cleanup = cleanups();

  async function talk(service: string): Promise<[StreamReader, StreamWriter]> {
    const child = spawn(python.command, [PEER, "server"], { stdio: ["pipe", "pipe", "inherit"] });
    cleanup(async () => {
      child.stdin.end();
      if (child.exitCode === null) await once(child, "exit");
      assert.equal(child.exitCode, 0, "the server ended without an error");
    });
    const output = new StreamReader();
    child.stdout.on("data", (chunk: Buffer) => output.feedData(chunk)).on("end", () => output.feedEof());
    const port = (await output.readLine()).toString().trim();
    return connectTo(port, service);
  }

  async function connectTo(port: number | string, service: string): Promise<[StreamReader, StreamWriter]> {
    const [reader, writer] = await openConnection("127.0.0.1", port);
    cleanup(() => writer[Symbol.asyncDispose]());
    writer.write(`${service}\n`);
    return [reader, writer];
  }

  async function finish(reader: StreamReader, writer: StreamWriter): Promise<string> {
    writer.writeEof();
    const rest = await reader.read();
    writer.close();
    await writer.waitClosed();
    return rest.toString();
  }

  async function checkEcho(reader: StreamReader, writer: StreamWriter): Promise<void> {
    writer.write("Hello World!");
    assert.equal((await reader.readExactly(12)).toString(), "Hello World!");
    assert.equal(await finish(reader, writer), "");
  }

  it("echoes", async () => {
    await checkEcho(...(await talk("echo")));
  });

  it("answers 200 connections at once", async () => {
    const [reader, writer] = await talk("echo");
    const [, port] = writer.getExtraInfo("peername") as readonly [string, number];
    const more = Array.from({ length: 199 }, async () => checkEcho(...(await connectTo(port, "echo"))));
    await Promise.all([checkEcho(reader, writer), ...more]);
  });

  it("answers lines, to the end of ours", async () => {
    const [reader, writer] = await talk("lines");
    const numbers = Array.from({ length: 1000 }, (_, index) => index);
    writer.writeLines(numbers.map((number) => `line ${number}\n`));
    for (const number of numbers) assert.equal((await reader.readLine()).toString(), `LINE ${number}\n`);
    assert.equal(await finish(reader, writer), "bye\n");
  });

  it("answers exact frames", async () => {
    const [reader, writer] = await talk("frames");
    for (const size of [0, 1, 100, 65_536, 200_000]) {
      const head = Buffer.alloc(4);
      head.writeUInt32BE(size);
      writer.writeLines([head, BULK.subarray(0, size)]);
      await writer.drain();
      assert.equal((await reader.readExactly(4)).readUInt32BE(), size);
      assert.deepEqual(await reader.readExactly(size), Buffer.from(BULK.subarray(0, size).toReversed()));
    }
    assert.equal(await finish(reader, writer), "");
  });

  it("answers after our half-close", async () => {
    const [reader, writer] = await talk("halfclose");
    writer.write(BULK.subarray(0, 100_000));
    assert.equal(await finish(reader, writer), "100000 bytes\n");
  });

  it("takes and sends 16 MiB at once", async () => {
    const [reader, writer] = await talk("bulk");
    const [received] = await Promise.all([reader.readExactly(BULK.length), writeBulk(writer)]);
    assert.equal(digest(received), digest(BULK));
    assert.equal((await reader.readLine()).toString(), `${digest(BULK)}\n`);
    assert.equal(await finish(reader, writer), "");
  });
});

async function readAll(child: ChildProcess): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of child.stdout!) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
}
