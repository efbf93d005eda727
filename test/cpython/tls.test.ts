import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  openConnection,
  startServer,
  TlsTruncationError,
  type Connection,
  type StreamReader,
  type StreamWriter,
} from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import { makeAuthority } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";
import { packageRoot } from "../support/package-root.js";
import { runCommand, type Program } from "../support/processes.js";
import { needsPython } from "../support/python.js";

const PEER = `${packageRoot}/test/cpython/tls_peer.py`;
const BULK = new Uint8Array(16 * 1024 * 1024).map((_, index) => index % 251);
const python = needsPython();

const authority = makeAuthority();
const identity = authority.issue({ commonName: "this library" });
const tls = { ...identity, ca: authority.cert, requestCert: true };

const MODES = ["ssl", "starttls"] as const;
/** On the socket itself, and over a stream, where a bad end would show. */
const WAYS = [
  ["ignore", "natively"],
  ["error", "over a stream"],
] as const;

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "streams-test-"));
  await writeFile(join(folder, "ca.pem"), authority.cert);
  await writeFile(join(folder, "cert.pem"), identity.cert);
  await writeFile(join(folder, "key.pem"), identity.key);
});
after(() => rm(folder, { recursive: true }));

async function exchangeBulk(reader: StreamReader, writer: StreamWriter): Promise<void> {
  const send = async () => {
    for (let start = 0; start < BULK.length; start += 65_536) {
      writer.write(BULK.subarray(start, start + 65_536));
      await writer.drain();
    }
  };
  const [received] = await Promise.all([reader.readExactly(BULK.length), send()]);
  assert.ok(received.equals(BULK));
}

const textOf = async (bytes: Promise<Buffer>) => (await bytes).toString();
const nameOf = (writer: StreamWriter) => writer.getExtraInfo("peercert")?.subject.CN;

describe("CPython as the TLS client of this server", python.options, () => {
  const cleanup = cleanups();

  for (const [truncation, how] of WAYS) {
    /** How the connection ended that CPython cut. */
    let cutEnd: unknown;

    const services: Readonly<Record<string, (reader: StreamReader, writer: StreamWriter) => Promise<void>>> =
      {
        async echo(reader, writer) {
          for (let data = await reader.read(100); data.length > 0; data = await reader.read(100)) {
            writer.write(data);
          }
        },
        async name(reader, writer) {
          writer.write(`${String(nameOf(writer))}\n`);
          assert.equal(await textOf(reader.read()), "");
        },
        async bulk(reader, writer) {
          await exchangeBulk(reader, writer);
          assert.equal(await textOf(reader.read()), "");
        },
        async bye(_reader, writer) {
          writer.write("bye\n");
        },
        async cut(reader, writer) {
          writer.write("so far\n");
          assert.equal(await textOf(reader.readLine()), "got it\n");
          writer.write("cut now\n");
          cutEnd = await textOf(reader.read()).catch((error: unknown) => error);
        },
      };

    async function serve(reader: StreamReader, writer: StreamWriter): Promise<void> {
      await services[(await textOf(reader.readLine())).trim()]!(reader, writer);
    }

    async function serveStartTls(reader: StreamReader, writer: StreamWriter): Promise<void> {
      writer.write("hello\n");
      assert.equal(await textOf(reader.readLine()), "STARTTLS\n");
      writer.write("go ahead\n");
      await writer.startTls(tls, { truncation });
      await serve(reader, writer);
    }

    for (const mode of MODES) {
      it(`finds its asyncio on the other side with ${mode}: echo, names, 16 MiB each way, both ends, a cut (${how})`, async () => {
        const errors: unknown[] = [];
        const onError = (error: unknown) => errors.push(error);
        const server = await (mode === "ssl"
          ? startServer(serve, "127.0.0.1", 0, { ssl: tls, truncation, onError })
          : startServer(serveStartTls, "127.0.0.1", 0, { onError }));
        cleanup(() => server.abortClients());
        const client = runCommand(cleanup, python.command, [
          PEER,
          "client",
          folder,
          mode,
          `${portOf(server)}`,
        ]);
        const checks = ["echo", "name", "bulk", "bye", "cut"].map((name) => `check_${name}`);
        assert.deepEqual(await client.finish(), { lines: checks, errors: "", status: 0 });
        server.close();
        await server.waitClosed();
        assert.deepEqual(errors, []);
        if (truncation === "ignore") assert.equal(cutEnd, "");
        else assert.ok(cutEnd instanceof TlsTruncationError, String(cutEnd));
      });
    }
  }
});

describe("CPython as the TLS server of this client", python.options, () => {
  const cleanup = cleanups();
  const end: (() => unknown)[] = [];
  let server: Program;
  let ports: string[] = [];

  before(async () => {
    server = runCommand((undo) => end.push(undo), python.command, [PEER, "server", folder]);
    ports = ((await server.nextLine()) ?? "").split(" ");
  });
  after(async () => {
    const { errors, status } = await server.finish();
    assert.deepEqual([errors, status], ["", 0]);
    await Promise.all(end.map((undo) => undo()));
  });

  for (const mode of MODES) {
    for (const [truncation, how] of WAYS) {
      async function talk(service: string): Promise<Connection> {
        const port = ports[MODES.indexOf(mode)]!;
        const isStartTls = mode === "starttls";
        const connection = await openConnection(
          "127.0.0.1",
          port,
          isStartTls ? {} : { ssl: tls, truncation },
        );
        const [reader, writer] = connection;
        cleanup(() => writer.transport.abort());
        if (isStartTls) {
          assert.equal(await textOf(reader.readLine()), "hello\n");
          writer.write("STARTTLS\n");
          assert.equal(await textOf(reader.readLine()), "go ahead\n");
          await writer.startTls(tls, { truncation });
        }
        writer.write(`${service}\n`);
        return connection;
      }

      async function close(writer: StreamWriter): Promise<void> {
        writer.close();
        await writer.waitClosed();
      }

      const title = `with ${mode} (${how})`;

      it(`echoes, to the end of ours, ${title}`, async () => {
        const [reader, writer] = await talk("echo");
        for (const text of ["Hello World!", "again"]) {
          writer.write(text);
          assert.equal(await textOf(reader.readExactly(text.length)), text);
        }
        await close(writer);
      });

      it(`knows our name and tells its own, ${title}`, async () => {
        const [reader, writer] = await talk("name");
        assert.equal(await textOf(reader.readLine()), "this library\n");
        assert.equal(nameOf(writer), "this library");
        await close(writer);
      });

      it(`takes and sends 16 MiB at once, ${title}`, async () => {
        const [reader, writer] = await talk("bulk");
        await exchangeBulk(reader, writer);
        await close(writer);
      });

      it(`ends first, ${title}`, async () => {
        const [reader, writer] = await talk("bye");
        assert.equal(await textOf(reader.read()), "bye\n");
        await writer.waitClosed();
      });

      it(`is cut, ${title} (97)`, async () => {
        const [reader, writer] = await talk("cut");
        assert.equal(await textOf(reader.readLine()), "so far\n");
        writer.write("got it\n");
        if (truncation === "error") await assert.rejects(reader.read(), TlsTruncationError);
        else assert.equal(await textOf(reader.read()), "");
      });
    }
  }
});
