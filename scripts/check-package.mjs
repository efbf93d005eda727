// The package as its users get it: packed, installed into an empty project, used from JavaScript and TypeScript.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const project = mkdtempSync(join(tmpdir(), "package-check-"));
const run = (command, args, cwd = root) =>
  execFileSync(command, args, { cwd, stdio: ["ignore", "pipe", "inherit"] });

const USE = `import { startServer, openConnection, LimitOverrunError } from "asyncio-streams";
const server = await startServer(async (reader, writer) => writer.write(await reader.readLine()), "127.0.0.1", 0);
const [host, port] = server.sockets[0].getsockname();
const [reader, writer] = await openConnection(host, port);
writer.write("packed\\n");
console.log((await reader.readLine()).toString().trim(), new LimitOverrunError("x", 1).code);
writer.close();
server.close();
await server.waitClosed();
`;

/** What each entry point besides the main one is for, in a line or two that print what they have done. */
const USE_ENTRY_POINTS = `import { fromDuplex, fromReadable, fromWritable, fromChildProcess, toDuplex } from "asyncio-streams/node";
import { fromWeb, toWeb } from "asyncio-streams/web";
import { PassThrough } from "node:stream";
const { reader, writer } = fromDuplex(toDuplex(fromWeb(toWeb(fromDuplex(new PassThrough())))));
writer.write("through all\\n");
console.log((await reader.readLine()).toString().trim(), [fromReadable, fromWritable, fromChildProcess].every(Boolean));
writer.close();
`;

/** Prints what is not a name of its own class: users see it in messages, and where they inspect things. */
const NAME_CLASSES = `import { readFileSync } from "node:fs";
const { exports } = JSON.parse(readFileSync("node_modules/asyncio-streams/package.json", "utf8"));
const paths = Object.keys(exports).filter((path) => path !== "./package.json");
for (const path of paths)
  for (const [name, value] of Object.entries(await import("asyncio-streams" + path.slice(1))))
    if (typeof value === "function" && value.name !== name) console.log(name, value.name);
`;

const TYPED_USE = `import { openConnection, type Connection, type StreamReader } from "asyncio-streams";
export async function use(): Promise<Buffer<ArrayBuffer>> {
  await using connection: Connection = await openConnection("127.0.0.1", 1, { limit: 10 });
  const [reader, writer] = connection;
  const typed: StreamReader = reader;
  const name: string | readonly unknown[] | undefined = writer.getExtraInfo("peername");
  void name;
  // @ts-expect-error a limit is a number
  await openConnection("127.0.0.1", 1, { limit: "10" });
  return typed.readExactly(4);
}
`;

const TYPED_USE_OF_ENTRY_POINTS = `import { spawn } from "node:child_process";
import { PassThrough, Readable, type Duplex } from "node:stream";
import { startServer, type Connection, type StreamReader, type StreamWriter } from "asyncio-streams";
import { fromChildProcess, fromDuplex, fromReadable, fromWritable, toDuplex, type ChildStreams } from "asyncio-streams/node";
import { fromWeb, toWeb, type WebStreams } from "asyncio-streams/web";
export async function use(): Promise<void> {
  const connection: Connection = fromDuplex(new PassThrough(), { limit: 10 });
  const duplex: Duplex = toDuplex(connection);
  const reader: StreamReader = fromReadable(duplex);
  const writer: StreamWriter = fromWritable(duplex);
  const { stdin }: ChildStreams = fromChildProcess(spawn("cat"));
  stdin?.write("x");
  const { readable, writable }: WebStreams = toWeb({ reader, writer });
  await readable.pipeThrough(new CompressionStream("gzip")).pipeTo(writable);
  await new Response(readable).text();
  fromWeb(new CompressionStream("gzip"));
  fromWeb(new TransformStream<Uint8Array, Uint8Array>());
  fromWeb({ readable: (await fetch("http://127.0.0.1/")).body!, writable: new WritableStream<string>() });
  await startServer((reader, writer) => void toWeb({ reader, writer }), "127.0.0.1", 0);
  // @ts-expect-error a Readable has but one direction
  fromDuplex(Readable.from([]));
  // @ts-expect-error both directions are needed
  fromWeb({ readable });
}
`;

try {
  const packed = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", project]))[0];
  const strays = packed.files
    .map(({ path }) => path)
    .filter((path) => !/^(dist|src)\/|^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(path));
  if (strays.length > 0) throw new Error(`these do not belong into the package: ${strays.join(", ")}`);
  const { dependencies, scripts } = JSON.parse(run("npm", ["pkg", "get", "dependencies", "scripts"]));
  if (dependencies !== undefined && Object.keys(dependencies).length > 0)
    throw new Error("the package has runtime dependencies");
  if (Object.keys(scripts).some((name) => /install/.test(name)))
    throw new Error("the package has an install script");

  const tarball = join(project, packed.filename);
  writeFileSync(
    join(project, "package.json"),
    JSON.stringify({ name: "user", private: true, type: "module" }),
  );
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", tarball], project);
  mkdirSync(join(project, "node_modules/@types"), { recursive: true });
  for (const name of ["@types/node", "undici-types"]) {
    symlinkSync(join(root, "node_modules", name), join(project, "node_modules", name));
  }
  writeFileSync(join(project, "use.mjs"), USE);
  const output = run(process.execPath, ["use.mjs"], project).toString().trim();
  if (output !== "packed ERR_LIMIT_OVERRUN") throw new Error(`JavaScript got ${JSON.stringify(output)}`);
  writeFileSync(join(project, "use-entry-points.mjs"), USE_ENTRY_POINTS);
  const through = run(process.execPath, ["use-entry-points.mjs"], project).toString().trim();
  if (through !== "through all true") throw new Error(`the entry points gave ${JSON.stringify(through)}`);
  writeFileSync(join(project, "name-classes.mjs"), NAME_CLASSES);
  const renamed = run(process.execPath, ["name-classes.mjs"], project).toString().trim();
  if (renamed !== "") throw new Error(`the bundle has renamed classes: ${renamed}`);
  writeFileSync(join(project, "use.ts"), TYPED_USE);
  writeFileSync(join(project, "use-entry-points.ts"), TYPED_USE_OF_ENTRY_POINTS);
  const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--lib"];
  for (const lib of ["es2023,esnext.disposable", "es2023,esnext.disposable,dom,dom.iterable"]) {
    const arguments_ = [...options, lib, "use.ts", "use-entry-points.ts"];
    run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), ...arguments_], project);
  }
  console.log(
    `${packed.filename}: ${packed.entryCount} files, ${packed.size} bytes packed; used from JavaScript and TypeScript`,
  );
} finally {
  rmSync(project, { recursive: true, force: true });
}
