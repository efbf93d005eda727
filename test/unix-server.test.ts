import assert from "node:assert/strict";
import { once } from "node:events";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server as NetServer } from "node:net";
import { basename } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import {
  openUnixConnection,
  startUnixServer,
  type Connection,
  type PathLike,
  type Server,
  type StartUnixServerOptions,
  type StreamReader,
  type StreamWriter,
} from "asyncio-streams";
import { cleanups } from "./support/cleanup.js";
import { temporaryFolder } from "./support/folders.js";

async function echo(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for await (const line of reader) writer.write(line);
}

const noLongPaths = process.platform !== "linux" && "other systems allow 103 bytes";
const noAbstractNames = process.platform !== "linux" && "only Linux has abstract names";
const skip = process.platform === "win32" && "Windows has no Unix sockets here";

describe("startUnixServer()", { skip }, () => {
  const cleanup = cleanups();
  const newFolder = () => temporaryFolder(cleanup);

  async function started(making: Promise<Server>): Promise<Server> {
    const server = await making;
    cleanup(() => {
      server.close();
      server.abortClients();
      return server.waitClosed();
    });
    return server;
  }

  const serve = (path: PathLike, options?: StartUnixServerOptions) =>
    started(startUnixServer(echo, path, options));

  async function dial(path: PathLike): Promise<Connection> {
    const connection = await openUnixConnection(path);
    cleanup(() => connection.writer.transport.abort());
    return connection;
  }

  async function assertEchoes({ reader, writer }: Connection): Promise<void> {
    writer.write("ping\n");
    assert.equal((await reader.readLine()).toString(), "ping\n");
  }

  async function listenAt(path: string): Promise<NetServer> {
    const server = createServer().listen(path);
    await once(server, "listening");
    cleanup(() => server.close());
    return server;
  }

  /** A socket file that nobody listens at. */
  async function makeStale(path: string): Promise<void> {
    const server = await listenAt(`${path}.moved`);
    renameSync(`${path}.moved`, path);
    server.close();
  }

  describe("path", () => {
    const KINDS: Readonly<Record<string, (path: string) => PathLike>> = {
      "a string": (path) => path,
      "a file: URL": (path) => pathToFileURL(path),
      "a Buffer": (path) => Buffer.from(path),
      "a Uint8Array": (path) => new TextEncoder().encode(path),
    };
    for (const [what, toPath] of Object.entries(KINDS)) {
      it(`may be ${what}`, async () => {
        const folder = await newFolder();
        const path = `${folder}/a sökket #1`;
        const server = await serve(toPath(path));
        assert.equal(server.sockets[0]!.getsockname(), path);
        await assertEchoes(await dial(toPath(path)));
        assert.deepEqual(readdirSync(folder), ["a sökket #1"]);
        server.close();
        assert.deepEqual(readdirSync(folder), []);
      });
    }

    it("may be relative", async () => {
      const folder = await newFolder();
      const before = process.cwd();
      cleanup(() => process.chdir(before));
      process.chdir(folder);
      const server = await serve("s");
      await assertEchoes(await dial("s"));
      assert.deepEqual(readdirSync(folder), ["s"]);
      server.close();
      assert.deepEqual(readdirSync(folder), []);
    });

    for (const last of ["s", "ss", "s".repeat(30)]) {
      it(`may have 107 bytes, ${last.length} of them in the last part`, { skip: noLongPaths }, async () => {
        const outer = await newFolder();
        const folder = `${outer}/${"d".repeat(107 - outer.length - 2 - last.length)}`;
        mkdirSync(folder);
        const path = `${folder}/${last}`;
        assert.equal(Buffer.byteLength(path), 107);
        const server = await serve(path);
        await assertEchoes(await dial(path));
        assert.deepEqual(readdirSync(folder), [last]);
        server.close();
        assert.deepEqual(readdirSync(folder), []);
      });
    }

    it(
      "may have a last part of 1 byte among files that have taken nearly all such names",
      { skip: noLongPaths },
      async () => {
        const outer = await newFolder();
        const folder = `${outer}/${"d".repeat(107 - outer.length - 3)}`;
        mkdirSync(folder);
        for (const name of "0123456789abcde") writeFileSync(`${folder}/${name}`, "");
        const before = readdirSync(folder);
        const server = await serve(`${folder}/s`);
        await assertEchoes(await dial(`${folder}/s`));
        server.close();
        assert.deepEqual(readdirSync(folder), before);
      },
    );

    it("of an abstract name leaves nothing in any folder (84)", { skip: noAbstractNames }, async () => {
      const name = `\0streams-test-${process.pid}-${Date.now()}`;
      const server = await serve(name);
      assert.equal(server.sockets[0]!.getsockname(), name);
      const connection = await dial(name);
      await assertEchoes(connection);
      assert.equal(connection.writer.getExtraInfo("peername"), name);
      server.close();
      await assert.rejects(openUnixConnection(name), { code: "ECONNREFUSED" });
      await assertEchoes(connection);
      await serve(Buffer.from(name));
    });

    it(
      "of an abstract name that is taken is refused, as no file can be stale there (84)",
      { skip: noAbstractNames },
      async () => {
        const name = `\0streams-test-taken-${process.pid}-${Date.now()}`;
        await serve(name);
        await assert.rejects(startUnixServer(echo, name), { name: "OSError", code: "EADDRINUSE" });
        await assertEchoes(await dial(name));
      },
    );
  });

  describe("what lies at the path", () => {
    it("is replaced if it is a stale socket (83)", async () => {
      const folder = await newFolder();
      const path = `${folder}/s`;
      await makeStale(path);
      await serve(path);
      await assertEchoes(await dial(path));
      assert.deepEqual(readdirSync(folder), ["s"]);
    });

    it("is replaced if it is a live socket, whose connections go on (83)", async () => {
      const folder = await newFolder();
      const path = `${folder}/s`;
      const first = await serve(path);
      const old = await dial(path);
      await assertEchoes(old);
      const second = await started(startUnixServer((_reader, writer) => writer.write("second\n"), path));
      assert.equal((await (await dial(path)).reader.readLine()).toString(), "second\n");
      await assertEchoes(old);
      first.close();
      assert.equal(
        (await (await dial(path)).reader.readLine()).toString(),
        "second\n",
        "after close() of the first",
      );
      second.close();
      assert.deepEqual(readdirSync(folder), []);
    });

    it("is replaced if it is a symbolic link to a socket; the socket stays (83)", async () => {
      const folder = await newFolder();
      await makeStale(`${folder}/target`);
      symlinkSync("target", `${folder}/s`);
      const server = await serve(`${folder}/s`);
      await assertEchoes(await dial(`${folder}/s`));
      assert.equal(lstatSync(`${folder}/s`).isSocket(), true);
      server.close();
      assert.deepEqual(readdirSync(folder), ["target"]);
    });

    const OBSTACLES: Readonly<Record<string, (path: string) => () => unknown>> = {
      "a regular file": (path) => {
        writeFileSync(path, "precious");
        return () => readFileSync(path, "utf8") === "precious";
      },
      "a directory": (path) => {
        mkdirSync(path);
        return () => statSync(path).isDirectory();
      },
      "a symbolic link to a regular file": (path) => {
        writeFileSync(`${path}.target`, "precious");
        symlinkSync(`${path}.target`, path);
        return () => lstatSync(path).isSymbolicLink() && readFileSync(path, "utf8") === "precious";
      },
      "a symbolic link to nothing": (path) => {
        symlinkSync("nowhere", path);
        return () => readlinkSync(path) === "nowhere";
      },
    };
    for (const [what, make] of Object.entries(OBSTACLES)) {
      it(`is kept, and the path refused, if it is ${what} (83)`, async () => {
        const folder = await newFolder();
        const path = `${folder}/s`;
        const isKept = make(path);
        const before = readdirSync(folder);
        await assert.rejects(startUnixServer(echo, path), {
          name: "OSError",
          code: "EADDRINUSE",
          message: `Address '${path}' is already in use: it is not a socket`,
          path,
        });
        assert.ok(isKept());
        assert.deepEqual(readdirSync(folder), before);
      });
    }
  });

  describe("close()", () => {
    it("leaves the file with cleanupSocket: false (85)", async () => {
      const folder = await newFolder();
      const server = await serve(`${folder}/s`, { cleanupSocket: false });
      server.close();
      assert.deepEqual(readdirSync(folder), ["s"]);
      await assert.rejects(openUnixConnection(`${folder}/s`), { code: "ECONNREFUSED" });
    });

    const REPLACEMENTS: Readonly<Record<string, (path: string) => unknown>> = {
      "a regular file": (path) => writeFileSync(path, "precious"),
      "another socket": makeStale,
      nothing: () => {},
    };
    for (const [what, replace] of Object.entries(REPLACEMENTS)) {
      it(`leaves what has taken the place of the file: ${what} (85)`, async () => {
        const folder = await newFolder();
        const path = `${folder}/s`;
        const server = await serve(path);
        rmSync(path);
        await replace(path);
        const before = readdirSync(folder);
        server.close();
        await server.waitClosed();
        assert.deepEqual(readdirSync(folder), before);
      });
    }

    it("a second time leaves what a later server has put there", async () => {
      const path = `${await newFolder()}/s`;
      const first = await serve(path);
      first.close();
      await serve(path);
      first.close();
      await assertEchoes(await dial(path));
    });
  });

  it("getExtraInfo() knows the path on one side of each name (47)", async () => {
    const path = `${await newFolder()}/s`;
    const names: unknown[] = [];
    const namesOf = (writer: StreamWriter) => [
      writer.getExtraInfo("peername"),
      writer.getExtraInfo("sockname"),
    ];
    const server = await started(
      startUnixServer((_reader, writer) => void names.push(namesOf(writer)), path),
    );
    const { reader, writer } = await dial(path);
    assert.deepEqual(namesOf(writer), [path, ""]);
    server.closeClients();
    await reader.read();
    assert.deepEqual(names, [["", path]]);
    writer.close();
    await writer.waitClosed();
    assert.deepEqual(namesOf(writer), [path, ""]);
  });

  describe("refuses, and leaves nothing behind,", () => {
    it("a path in a directory that is missing", async () => {
      const folder = await newFolder();
      const path = `${folder}/missing/s`;
      await assert.rejects(startUnixServer(echo, path), (error: NodeJS.ErrnoException) => {
        assert.deepEqual([error.name, error.code, error.path], ["FileNotFoundError", "ENOENT", path]);
        const start = `error while attempting to bind on address '${path}': `;
        assert.ok(error.message.startsWith(start), error.message);
        assert.ok(error.message.includes("ENOENT: no such file or directory"), error.message);
        return true;
      });
      assert.deepEqual(readdirSync(folder), []);
    });

    it("a path below a regular file", async () => {
      const folder = await newFolder();
      writeFileSync(`${folder}/file`, "");
      const path = `${folder}/file/s`;
      await assert.rejects(startUnixServer(echo, path), { name: "OSError", code: "ENOTDIR", path });
      assert.deepEqual(readdirSync(folder), ["file"]);
    });

    const BAD_PATHS: readonly [what: string, path: (folder: string) => unknown, expected: RegExp][] = [
      ["an empty path (83)", () => "", /^RangeError: path must not be empty$/],
      ["an empty Buffer", () => Buffer.alloc(0), /^RangeError: path must not be empty$/],
      ["a NUL inside a path", (folder) => `${folder}/a\0b`, /^RangeError: path must not have a NUL inside/],
      ["a NUL inside an abstract name", () => "\0a\0b", /^RangeError: path must not have a NUL inside/],
      [
        "a path that is too long",
        (folder) => `${folder}/${"x".repeat(108 - folder.length - 1)}`,
        /^RangeError: path has 108 bytes, but a Unix socket's may have at most 10\d: "/,
      ],
      [
        "a path whose bytes are too many",
        (folder) => `${folder}/${"ö".repeat(53)}`,
        /^RangeError: path has \d+ bytes, but/,
      ],
      ["a number", () => 7, /^TypeError: path must be a string, a file: URL or bytes, not number 7$/],
      ["a URL of the web", () => new URL("http://localhost/s"), /^TypeError: path must be a local file: URL/],
      ["bytes that are not UTF-8", () => Buffer.of(0x2f, 0xff), /^TypeError: path must be UTF-8/],
    ];
    for (const [what, path, expected] of BAD_PATHS) {
      it(what, async () => {
        const folder = await newFolder();
        const before = process.cwd();
        cleanup(() => process.chdir(before));
        process.chdir(folder);
        await assert.rejects(startUnixServer(echo, path(folder) as PathLike), expected);
        assert.deepEqual(readdirSync(folder), []);
      });
    }

    const OPTIONS: readonly [options: object, expected: RegExp][] = [
      [{ cleanupSocket: 1 }, /^TypeError: cleanupSocket must be a boolean, not number 1$/],
      [{ limit: 0 }, /^RangeError: Limit cannot be <= 0, got 0$/],
      [{ backlog: -1 }, /^RangeError: backlog must be/],
      [{ startServing: 0 }, /^TypeError: startServing must be a boolean/],
      [{ ssl: true }, /^TypeError: ssl argument must be/],
      [{ sslHandshakeTimeout: 1 }, /^TypeError: sslHandshakeTimeout is only meaningful with ssl$/],
      [{ family: 4 }, /^TypeError: startUnixServer\(\) got an unexpected option "family"$/],
      [{ sock: createServer() }, /^TypeError: path and sock can not be specified at the same time$/],
    ];
    for (const [options, expected] of OPTIONS) {
      it(`the option ${Object.keys(options).join()} when wrong (83)`, async () => {
        const folder = await newFolder();
        await assert.rejects(startUnixServer(echo, `${folder}/s`, options), expected);
        assert.deepEqual(readdirSync(folder), []);
      });
    }

    it("to begin without path and sock (83)", async () => {
      const message = "path was not specified, and no sock specified";
      await assert.rejects(startUnixServer(echo), { name: "TypeError", message });
      await assert.rejects(startUnixServer(echo, {}), { name: "TypeError", message });
      await assert.rejects(startUnixServer(echo, null, {}), { name: "TypeError", message });
    });
  });

  describe("sock", () => {
    it("as a net.Server at a path is taken over, and its file removed with it", async () => {
      const folder = await newFolder();
      const path = `${folder}/s`;
      const sock = await listenAt(path);
      const server = await started(startUnixServer(echo, { sock }));
      assert.equal(server.sockets[0]!.getsockname(), path);
      const connection = await dial(path);
      await assertEchoes(connection);
      server.close();
      assert.equal(sock.listening, false);
      assert.deepEqual(readdirSync(folder), []);
    });

    it("as a net.Server keeps its file with cleanupSocket: false, and a file of somebody else (85)", async () => {
      const folder = await newFolder();
      const path = `${folder}/s`;
      const first = await started(
        startUnixServer(echo, { sock: await listenAt(path), cleanupSocket: false }),
      );
      first.close();
      assert.equal(lstatSync(path).isSocket(), true);
      rmSync(path);
      const second = await started(startUnixServer(echo, { sock: await listenAt(path) }));
      rmSync(path);
      writeFileSync(path, "precious");
      second.close();
      assert.equal(readFileSync(path, "utf8"), "precious");
      assert.deepEqual(readdirSync(folder), ["s"]);
    });

    it("as a net.Server of TCP is refused, and goes on listening", async () => {
      const sock = createServer().listen(0, "127.0.0.1");
      await once(sock, "listening");
      cleanup(() => sock.close());
      await assert.rejects(startUnixServer(echo, { sock }), {
        name: "TypeError",
        message: "A UNIX Domain Stream Socket was expected, got a TCP socket",
      });
      assert.equal(sock.listening, true);
    });
  });

  it("puts the socket in place whole: whoever sees the file can connect", async () => {
    const folder = await newFolder();
    const path = `${folder}/s`;
    const making = startUnixServer(echo, path);
    while (!readdirSync(folder).includes(basename(path))) await new Promise(setImmediate);
    await assertEchoes(await dial(path));
    await started(making);
  });
});
