import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kill } from "node:process";
import { after, before, describe, it } from "node:test";
import { createSecureContext } from "node:tls";
import {
  CertificateError,
  openConnection,
  startServer,
  TlsError,
  TlsTruncationError,
  type Connection,
  type OpenConnectionOptions,
  type StartServerOptions,
  type StreamReader,
  type StreamWriter,
} from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import { makeAuthority, type Identity } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";
import { needsOpenssl, startOpensslServer } from "../support/openssl.js";
import { runCommand, runProgram, type Program } from "../support/processes.js";

const openssl = needsOpenssl();
const VERSIONS = [
  ["TLSv1.2", "-tls1_2"],
  ["TLSv1.3", "-tls1_3"],
] as const;
/** TLS on the socket itself, and over a stream: the latter is the stricter one, where a bad end would show. */
const WAYS = [
  ["ignore", "natively"],
  ["error", "over a stream"],
] as const;

const authority = makeAuthority();
const identities = {
  localhost: authority.issue(),
  other: authority.issue({ hosts: ["other.test"], addresses: [] }),
  client: authority.issue({ commonName: "a client", usages: ["clientAuth"] }),
  stranger: makeAuthority("Somebody").issue({ commonName: "a stranger" }),
} satisfies Record<string, Identity>;

/** Where openssl finds them. */
let folder = "";
const file = (name: string) => join(folder, name);
const identify = (name: keyof typeof identities) => [
  "-cert",
  file(`${name}.pem`),
  "-key",
  file(`${name}.key`),
];
const trusting = () => ["-CAfile", file("ca.pem"), "-verify_return_error"];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "streams-test-"));
  await writeFile(file("ca.pem"), authority.cert);
  for (const [name, { cert, key }] of Object.entries(identities)) {
    await writeFile(file(`${name}.pem`), cert);
    await writeFile(file(`${name}.key`), key);
  }
});
after(() => rm(folder, { recursive: true }));

/** What a server knows of its client. */
interface Known {
  readonly version: string;
  readonly cipher: string;
  readonly servername: string | null;
  readonly alpn: string | null;
  readonly client: string;
  readonly authorized: boolean;
  readonly reused: boolean;
}

function whatIsKnown(writer: StreamWriter): Known {
  return {
    version: writer.getExtraInfo("tlsVersion", ""),
    cipher: writer.getExtraInfo("cipher")!.name,
    servername: writer.getExtraInfo("servername", null),
    alpn: writer.getExtraInfo("alpnProtocol", null),
    client: String(writer.getExtraInfo("peercert")?.subject.CN ?? ""),
    authorized: writer.getExtraInfo("authorized", false),
    reused: writer.getExtraInfo("sslObject")!.isSessionReused(),
  };
}

/** Answers the first line with what it knows of the client, the others with themselves in capitals, until "bye". */
async function greetAndShout(reader: StreamReader, writer: StreamWriter): Promise<void> {
  await reader.readLine();
  writer.write(`${JSON.stringify(whatIsKnown(writer))}\n`);
  for await (const line of reader) {
    writer.write(line.toString().toUpperCase());
    await writer.drain();
    if (line.toString() === "bye\n") return;
  }
}

describe("openssl s_client and this server", openssl.options, () => {
  const cleanup = cleanups();

  async function serve(
    options: StartServerOptions,
    callback: typeof greetAndShout = greetAndShout,
  ): Promise<{ port: string; errors: unknown[]; finished: () => Promise<void> }> {
    const errors: unknown[] = [];
    const server = await startServer(callback, "127.0.0.1", 0, {
      onError: (error) => errors.push(error),
      ...options,
      ssl: { ...identities.localhost, ...options.ssl },
    });
    const port = String(portOf(server));
    const finished = async () => {
      server.close();
      await server.waitClosed();
    };
    cleanup(() => {
      server.abortClients();
      return finished();
    });
    return { port, errors, finished };
  }

  /** What it prints itself goes to stderr, so what it prints comes from the server. */
  const connect = (port: string, ...args: string[]) => connectVerbosely(port, "-brief", ...args);

  /** What it knows of each connection is among what it prints. */
  function connectVerbosely(port: string, ...args: string[]): Program {
    const where = ["s_client", "-connect", `127.0.0.1:${port}`, ...trusting()];
    return runCommand(cleanup, openssl.command, [...where, ...args]);
  }

  const greetingOf = async (client: Program) => {
    client.say("hello");
    return JSON.parse((await client.nextLine()) ?? "null") as Known;
  };

  for (const [truncation, how] of WAYS) {
    for (const [version, flag] of VERSIONS) {
      it(`agree on ${version}, talk, and end when s_client does (${how})`, async () => {
        const { port, errors, finished } = await serve({ truncation });
        const client = connect(port, flag);
        const { cipher, ...known } = await greetingOf(client);
        assert.deepEqual(known, {
          version,
          servername: null,
          alpn: null,
          client: "",
          authorized: false,
          reused: false,
        });
        client.say("one\ntwo");
        assert.deepEqual([await client.nextLine(), await client.nextLine()], ["ONE", "TWO"]);
        const { lines, errors: summary, status } = await client.finish();
        assert.deepEqual([lines, status], [[], 0]);
        assert.match(summary, new RegExp(`^Protocol version: ${version}$`, "m"));
        assert.match(summary, new RegExp(`^Ciphersuite: ${cipher}$`, "m"));
        assert.match(summary, /^Verification: OK$/m);
        await finished();
        assert.deepEqual(errors, []);
      });

      it(`end when the server closes, with ${version} (${how})`, async () => {
        const { port, errors, finished } = await serve({ truncation });
        const client = connect(port, flag);
        await greetingOf(client);
        client.say("bye");
        assert.equal(await client.nextLine(), "BYE");
        assert.equal(await client.nextLine(), undefined);
        await finished();
        const { errors: summary, status } = await client.finish();
        assert.equal(status, 0, summary);
        assert.doesNotMatch(summary, /error|unexpected eof/i);
        assert.deepEqual(errors, []);
      });

      it(`resume a session with ${version} (${how})`, async () => {
        const { port } = await serve({ truncation });
        const first = connect(port, flag, "-sess_out", file("session.pem"));
        assert.equal((await greetingOf(first)).reused, false);
        await first.finish();
        const second = connect(port, flag, "-sess_in", file("session.pem"));
        const { reused, version: resumed } = await greetingOf(second);
        assert.deepEqual([reused, resumed], [true, version]);
        await second.finish();
      });

      it(`resume a session with a client certificate, with ${version} (${how})`, async () => {
        const { port } = await serve({ truncation, ssl: { requestCert: true, ca: authority.cert } });
        const first = connect(port, flag, "-sess_out", file("session.pem"), ...identify("client"));
        await greetingOf(first);
        await first.finish();
        const second = connect(port, flag, "-sess_in", file("session.pem"), ...identify("client"));
        const { reused, client, authorized } = await greetingOf(second);
        assert.deepEqual([reused, client, authorized], [true, "a client", true]);
        await second.finish();
      });

      for (const who of [undefined, "stranger"] as const) {
        it(`never serves ${who ?? "a client without certificate"} when it asks for one, with ${version} (${how})`, async () => {
          let calls = 0;
          const { port, errors, finished } = await serve(
            { truncation, ssl: { requestCert: true, ca: authority.cert } },
            async () => void calls++,
          );
          const client = connect(port, flag, ...(who === undefined ? [] : identify(who)));
          // Without a certificate its handshake fails; an untrusted one is refused when it is through.
          await client.finish();
          await finished();
          assert.equal(calls, 0);
          assert.equal(errors.length, 1);
          assert.ok(errors[0] instanceof TlsError, String(errors[0]));
          if (who !== undefined) assert.ok(errors[0] instanceof CertificateError, String(errors[0]));
        });
      }
    }

    it(`know each other's name and protocol by SNI and ALPN (${how})`, async () => {
      const asked: string[] = [];
      const { port } = await serve({
        truncation,
        ssl: {
          ALPNProtocols: ["y", "x"],
          SNICallback: (name, done) => {
            asked.push(name);
            done(null, createSecureContext(identities.other));
          },
        },
      });
      const name = ["-servername", "other.test", "-verify_hostname", "other.test"];
      const client = connect(port, ...name, "-alpn", "z,x,y");
      const { servername, alpn } = await greetingOf(client);
      assert.deepEqual([servername, alpn, asked], ["other.test", "y", ["other.test"]]);
      const { errors: summary } = await client.finish();
      assert.match(summary, /^Verification: OK$/m);
      assert.match(summary, /^Verified peername: other\.test$/m);
    });

    it(`know a client by its certificate (${how})`, async () => {
      const { port, errors, finished } = await serve({
        truncation,
        ssl: { requestCert: true, ca: authority.cert },
      });
      const client = connect(port, ...identify("client"));
      const known = await greetingOf(client);
      assert.deepEqual([known.client, known.authorized], ["a client", true]);
      assert.equal((await client.finish()).status, 0);
      await finished();
      assert.deepEqual(errors, []);
    });

    it(`reconnect with the same session, five times (${how})`, async () => {
      const { port, errors, finished } = await serve(
        { truncation },
        async (reader) => void (await reader.read()),
      );
      const { lines, status } = await connectVerbosely(port, "-tls1_2", "-reconnect").finish();
      await finished();
      // The client's word: it is gone by the time that a handler could ask the server's engine, and Bun's forgets it then.
      const sessions = lines.flatMap((line) => /^(New|Reused), TLS/.exec(line)?.[1] ?? []);
      assert.deepEqual([sessions, status, errors], [["New", ...Array<string>(5).fill("Reused")], 0, []]);
    });
  }

  for (const [version, flag] of VERSIONS) {
    it(`-starttls smtp: s_client sends mail to the example smtp-server over ${version}`, async () => {
      const paths = [file("localhost.pem"), file("localhost.key")];
      const server = runProgram(cleanup, "examples/smtp-server.js", ["127.0.0.1", "0", ...paths]);
      const port = /,(\d+)\]$/.exec((await server.nextLine()) ?? "")?.[1] ?? "";
      const client = connect(port, flag, "-starttls", "smtp", "-crlf", "-ign_eof");
      assert.match((await server.nextLine()) ?? "", new RegExp(`^TLS: ${version}, `));
      const mail = ["EHLO client", "MAIL FROM:<a@example.test>", "RCPT TO:<b@example.test>", "DATA"];
      client.say([...mail, "..dots", ".", "QUIT"].join("\n"));
      const { lines, errors, status } = await client.finish();
      const codes = lines.map((line) => line.slice(0, 3)).filter((code) => /^\d/.test(code));
      assert.deepEqual([codes.slice(-6), status], [["250", "250", "250", "354", "250", "221"], 0], errors);
      assert.match(errors, /^Verification: OK$/m);
      const printed = [await server.nextLine(), await server.nextLine()];
      assert.deepEqual(printed, ["Mail from <a@example.test> to <b@example.test>:", "| .dots"]);
    });
  }

  for (const truncation of ["ignore", "report", "error"] as const) {
    for (const [version, flag] of VERSIONS) {
      it(`truncation "${truncation}": tells a killed s_client from one that ends, with ${version} (97)`, async () => {
        const ends: unknown[] = [];
        const { port, finished } = await serve({ truncation }, async (reader, writer) => {
          writer.write(await reader.readLine());
          const end = await reader.read().then(String, (error: unknown) => error);
          ends.push([end, writer.getExtraInfo("closeNotifyReceived")]);
        });
        for (const isKilled of [false, true]) {
          const client = connect(port, flag);
          client.say("hello");
          // By then it has read all that the server has sent: else its death would be a reset.
          assert.equal(await client.nextLine(), "hello");
          if (isKilled) kill(client.child.pid!, "SIGKILL");
          else await client.finish();
        }
        await finished();
        const isKnown = truncation !== "ignore";
        const [[politeEnd, politeWord], [killedEnd, killedWord]] = ends as [unknown[], unknown[]];
        assert.deepEqual([politeEnd, politeWord], ["", isKnown ? true : undefined]);
        if (truncation === "error") assert.ok(killedEnd instanceof TlsTruncationError, String(killedEnd));
        else assert.equal(killedEnd, "");
        assert.equal(killedWord, isKnown ? false : undefined);
      });
    }
  }
});

describe("this client and openssl s_server", openssl.options, () => {
  const cleanup = cleanups();
  const serve = (...args: string[]) => startOpensslServer(cleanup, openssl.command, args);

  async function connect(
    port: number,
    { ssl, ...options }: Omit<OpenConnectionOptions, "ssl"> & { readonly ssl?: object } = {},
  ): Promise<Connection> {
    const connection = await openConnection("127.0.0.1", port, {
      ssl: { ca: authority.cert, ...ssl },
      ...options,
    });
    cleanup(() => connection.writer.transport.abort());
    return connection;
  }

  async function reversed(reader: StreamReader, writer: StreamWriter, text: string): Promise<string> {
    writer.write(`${text}\n`);
    return (await reader.readLine()).toString();
  }

  for (const [truncation, how] of WAYS) {
    for (const [version, flag] of VERSIONS) {
      it(`agree on ${version}, talk, and end when s_server does (${how})`, async () => {
        const { program, port } = await serve(flag, ...identify("localhost"));
        const [reader, writer] = await connect(port, { truncation });
        const { version: ours, cipher, alpn, authorized, reused } = whatIsKnown(writer);
        assert.deepEqual([ours, alpn, authorized, reused], [version, null, true, false]);
        assert.equal(writer.getExtraInfo("peercert")?.subjectaltname?.split(",")[0], "DNS:localhost");
        assert.equal(await reversed(reader, writer, "abc"), "cba\n");
        writer.write("CLOSE\n");
        assert.equal((await reader.read()).toString(), "");
        writer.close();
        await writer.waitClosed();
        program.child.kill();
        const { errors } = await program.finish();
        assert.match(errors, new RegExp(`^Protocol version: ${version}$`, "m"));
        assert.match(errors, new RegExp(`^Ciphersuite: ${cipher}$`, "m"));
      });

      it(`end when the client closes, with ${version} (${how})`, async () => {
        const { program, port } = await serve(flag, "-naccept", "1", ...identify("localhost"));
        const [reader, writer] = await connect(port, { truncation });
        assert.equal(await reversed(reader, writer, "abc"), "cba\n");
        writer.close();
        await writer.waitClosed();
        const { errors, status } = await program.finish();
        assert.match(errors, /^CONNECTION CLOSED$/m);
        assert.doesNotMatch(errors, /error|unexpected eof/i);
        assert.equal(status, 0);
      });

      it(`resume a session with ${version} (${how})`, async () => {
        const { port } = await serve(flag, ...identify("localhost"));
        const [reader, writer] = await connect(port, { truncation });
        await reversed(reader, writer, "abc");
        const session = writer.getExtraInfo("sslObject")!.getSession();
        writer.close();
        await writer.waitClosed();
        const [, again] = await connect(port, { truncation, ssl: { session } });
        const { reused, version: resumed, authorized } = whatIsKnown(again);
        assert.deepEqual([reused, resumed, authorized], [true, version, true]);
      });

      it(`fail when s_server wants a certificate and gets none, with ${version} (${how})`, async () => {
        const { port } = await serve(flag, "-Verify", "1", ...trusting(), ...identify("localhost"));
        // With TLS 1.3 a client learns it only after its handshake.
        await assert.rejects(async () => {
          const [reader] = await connect(port, { truncation });
          await reader.read();
        }, TlsError);
      });
    }

    it(`know each other by SNI (${how})`, async () => {
      const other = ["-servername", "other.test", "-cert2", file("other.pem"), "-key2", file("other.key")];
      const { port } = await serve(...other, ...identify("localhost"));
      const [, writer] = await connect(port, { truncation, serverHostname: "other.test" });
      assert.equal(writer.getExtraInfo("servername"), "other.test");
      assert.equal(writer.getExtraInfo("peercert")?.subjectaltname, "DNS:other.test");
    });

    it(`know each other by ALPN and a client certificate (${how})`, async () => {
      const wanted = ["-alpn", "y,x", "-Verify", "1", ...trusting()];
      const { program, port } = await serve(...wanted, ...identify("localhost"));
      const ssl = { ALPNProtocols: ["x", "y"], ...identities.client };
      const [reader, writer] = await connect(port, { truncation, ssl });
      assert.equal(await reversed(reader, writer, "abc"), "cba\n");
      assert.equal(writer.getExtraInfo("alpnProtocol"), "y");
      program.child.kill();
      const { errors } = await program.finish();
      assert.match(errors, /^Peer certificate: CN = a client$/m);
      assert.match(errors, /^Verification: OK$/m);
    });

    it(`refuses the certificate of another host, and of a stranger (${how})`, async () => {
      const { port } = await serve(...identify("other"));
      await assert.rejects(connect(port, { truncation }), { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
      const { port: strange } = await serve(...identify("stranger"));
      await assert.rejects(connect(strange, { truncation }), CertificateError);
    });
  }

  for (const truncation of ["ignore", "report", "error"] as const) {
    it(`truncation "${truncation}": tells a killed s_server from one that ends (97)`, async () => {
      for (const isKilled of [false, true]) {
        const { program, port } = await serve(...identify("localhost"));
        const [reader, writer] = await connect(port, { truncation });
        assert.equal(await reversed(reader, writer, "abc"), "cba\n");
        if (isKilled) kill(program.child.pid!, "SIGKILL");
        else writer.write("CLOSE\n");
        if (truncation === "error" && isKilled) await assert.rejects(reader.read(), TlsTruncationError);
        else assert.equal((await reader.read()).length, 0);
        const closeNotify = truncation === "ignore" ? undefined : !isKilled;
        assert.equal(writer.getExtraInfo("closeNotifyReceived"), closeNotify);
      }
    });
  }
});
