import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import {
  CertificateError,
  openConnection,
  NotImplementedError,
  socketPair,
  startServer,
  TlsShutdownTimeoutError,
  TlsTruncationError,
  type Connection,
  type StreamReader,
  type StreamWriter,
  type TlsOptions,
  type Truncation,
} from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import { patternBytes } from "../support/bytes.js";
import { makeAuthority, type Authority, type Identity } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";
import { connectedInMemory } from "../support/connections.js";
import { fakeTimers } from "../support/fake-timers.js";
import { plainPair, WAYS, type PlainPair } from "../support/plain-pairs.js";
import { isPending, nextTurn, shortTurns, turns } from "../support/turns.js";

const cleanup = cleanups();
let authority: Authority;
let trust: TlsOptions;
let identity: Identity;
let otherHost: Identity;
before(() => {
  authority = makeAuthority();
  trust = { ca: authority.cert };
  identity = authority.issue();
  otherHost = authority.issue({ hosts: ["other.test"], addresses: [] });
});

type End = Pick<Connection, "reader" | "writer">;
type Pair = Pick<PlainPair, "client" | "server">;

/** More than the buffers of a connection hold. */
const MUCH = patternBytes(16_000_000);

async function upgradeBoth(
  { client, server }: Pair,
  truncation: Truncation,
  more: object = {},
): Promise<void> {
  await Promise.all([
    server.writer.startTls(identity, { truncation }),
    client.writer.startTls(trust, { truncation, ...more }),
  ]);
}

/** A line each way, and more than one record. */
async function talk({ client, server }: Pair): Promise<void> {
  const exchange = async (from: StreamWriter, to: StreamReader) => {
    const bytes = patternBytes(100_000);
    from.writeLines(["line\n", bytes]);
    assert.equal((await to.readLine()).toString(), "line\n");
    assert.ok((await to.readExactly(bytes.length)).equals(bytes));
  };
  await exchange(client.writer, server.reader);
  await exchange(server.writer, client.reader);
}

/** Closes one end; the other one hears of it, and both end well. */
async function finish({ client, server }: Pair): Promise<void> {
  client.writer.close();
  assert.equal((await server.reader.read()).length, 0);
  await Promise.all([client.writer.waitClosed(), server.writer.waitClosed()]);
}

for (const { name, over, truncation } of WAYS) {
  describe(`StreamWriter: startTls(), ${name}`, () => {
    it("goes on with the same reader and writer, over another transport (87)", async () => {
      const pair = await plainPair(cleanup, over);
      const ends = [pair.client, pair.server];
      const before = ends.map(({ writer }) => writer.transport);
      pair.client.writer.write("plain\n");
      assert.equal((await pair.server.reader.readLine()).toString(), "plain\n");
      await upgradeBoth(pair, truncation);
      for (const [index, { writer }] of ends.entries()) {
        assert.notEqual(writer.transport, before[index]);
        assert.equal(writer.isClosing(), false);
      }
      await talk(pair);
      await finish(pair);
    });

    it("adds what is known of TLS, and keeps socket and addresses (87)", async () => {
      const pair = await plainPair(cleanup, over);
      const kept = ({ writer }: End) =>
        (["socket", "peername", "sockname"] as const).map((key) => writer.getExtraInfo(key));
      const before = [kept(pair.client), kept(pair.server)];
      const keys = ["cipher", "sslcontext", "sslObject", "tlsVersion", "authorized", "peercert"] as const;
      for (const key of keys) assert.equal(pair.client.writer.getExtraInfo(key), undefined, key);
      await upgradeBoth(pair, truncation);
      for (const key of keys) assert.notEqual(pair.client.writer.getExtraInfo(key), undefined, key);
      assert.equal(pair.client.writer.getExtraInfo("tlsVersion"), "TLSv1.3");
      assert.equal(pair.client.writer.getExtraInfo("authorized"), true);
      assert.equal(pair.client.writer.getExtraInfo("peercert")!.subject.CN, "localhost");
      assert.equal(pair.server.writer.getExtraInfo("peercert"), undefined);
      const after = [kept(pair.client), kept(pair.server)];
      assert.deepEqual(after, before);
      assert.equal(after[0]![0], before[0]![0]);
      await finish(pair);
      assert.deepEqual([kept(pair.client), kept(pair.server)], before);
    });

    it("has the marks of TLS afterwards, and no end of one direction (1, 92)", async () => {
      const pair = await plainPair(cleanup, over);
      pair.client.writer.transport.setWriteBufferLimits({ high: 10 });
      await upgradeBoth(pair, truncation);
      for (const { writer } of [pair.client, pair.server]) {
        assert.deepEqual(writer.transport.getWriteBufferLimits(), [131_072, 524_288]);
        assert.equal(writer.canWriteEof(), false);
        assert.throws(() => writer.writeEof(), NotImplementedError);
      }
    });

    it("lets a slow reader stop the peer, and a drain() wait, on the new layer (92)", async () => {
      const pair = await plainPair(cleanup, over, { limit: 1000 });
      await upgradeBoth(pair, truncation);
      for (const [from, to] of [
        [pair.client, pair.server],
        [pair.server, pair.client],
      ] as const) {
        from.writer.write(MUCH);
        const drained = from.writer.drain();
        while (to.writer.transport.isReading()) await shortTurns(1);
        await shortTurns(200);
        assert.ok(await isPending(drained));
        assert.ok(Number(/(\d+) bytes/.exec(to.reader.toString())![1]) < 300_000);
        assert.equal(to.writer.transport.isReading(), false);
        assert.ok((await to.reader.readExactly(MUCH.length)).equals(MUCH));
        await drained;
        assert.equal(to.writer.transport.isReading(), true);
      }
      await talk(pair);
    });

    it("reads on when the reader had paused its transport before (92)", async () => {
      const { client, server } = await plainPair(cleanup, over, { limit: 10 });
      client.writer.write("STARTTLS\n");
      const upgraded = client.writer.startTls(trust, { truncation });
      while (server.writer.transport.isReading()) await nextTurn();
      assert.equal((await server.reader.readLine()).toString(), "STARTTLS\n");
      assert.equal(server.writer.transport.isReading(), false);
      await Promise.all([upgraded, server.writer.startTls(identity, { truncation })]);
      assert.equal(server.writer.transport.isReading(), true);
      await talk({ client, server });
    });

    // The first one waits for room as drain() does; the second one begins while all of it is buffered.
    for (const high of [10, 1e9]) {
      for (const side of ["client", "server"] as const) {
        it(`sends megabytes that wait before the handshake: ${side}, high mark ${high} (87, 93)`, async () => {
          const pair = await plainPair(cleanup, over);
          const [from, to] = side === "client" ? [pair.client, pair.server] : [pair.server, pair.client];
          from.writer.transport.setWriteBufferLimits({ high, low: high });
          for (let start = 0; start < MUCH.length; start += 1_000_000) {
            from.writer.write(MUCH.subarray(start, start + 1_000_000));
            await shortTurns(1);
          }
          assert.ok(from.writer.transport.getWriteBufferSize() > 0);
          const upgraded =
            side === "client"
              ? from.writer.startTls(trust, { truncation })
              : from.writer.startTls(identity, { truncation });
          assert.ok((await to.reader.readExactly(MUCH.length)).equals(MUCH));
          await Promise.all([
            upgraded,
            side === "client"
              ? to.writer.startTls(identity, { truncation })
              : to.writer.startTls(trust, { truncation }),
          ]);
          await from.writer.drain();
          await talk(pair);
        });
      }
    }

    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      it(`speaks ${version}`, async () => {
        const pair = await plainPair(cleanup, over);
        await Promise.all([
          pair.server.writer.startTls(identity, { truncation }),
          pair.client.writer.startTls({ ...trust, minVersion: version, maxVersion: version }, { truncation }),
        ]);
        for (const { writer } of [pair.client, pair.server]) {
          assert.equal(writer.getExtraInfo("tlsVersion"), version);
        }
        await talk(pair);
        await finish(pair);
      });
    }

    it("takes the other side with serverSide", async () => {
      const { client, server } = await plainPair(cleanup, over);
      await Promise.all([
        client.writer.startTls(identity, { truncation, serverSide: true }),
        server.writer.startTls(trust, { truncation, serverSide: false, serverHostname: "localhost" }),
      ]);
      assert.equal(server.writer.getExtraInfo("authorized"), true);
      await talk({ client, server });
    });

    it("checks the name that openConnection() was given, another one, or none for an empty one (57, 88)", async () => {
      const tries = [
        { cert: identity, options: {}, error: undefined },
        { cert: otherHost, options: {}, error: "ERR_TLS_CERT_ALTNAME_INVALID" },
        { cert: identity, options: { serverHostname: "other.test" }, error: "ERR_TLS_CERT_ALTNAME_INVALID" },
        { cert: otherHost, options: { serverHostname: "other.test" }, error: undefined },
        { cert: otherHost, options: { serverHostname: "" }, error: undefined },
        { cert: otherHost, context: { servername: "other.test" }, options: {}, error: undefined },
      ];
      for (const { cert, context, options, error } of tries) {
        const pair = await plainPair(cleanup, over);
        pair.server.writer.startTls(cert, { truncation }).catch(() => {});
        const upgraded = pair.client.writer.startTls({ ...trust, ...context }, { truncation, ...options });
        if (error === undefined) await upgraded;
        else
          await assert.rejects(
            upgraded,
            (raised) => raised instanceof CertificateError && raised.code === error,
          );
      }
    });
  });
}

describe("StreamWriter: startTls(), then the end", () => {
  /** Over sockets: the pair in memory has a clock of its own. */
  for (const { name, over, truncation } of WAYS.filter((way) => way.over === "tcp")) {
    for (const [given, limit] of [
      [undefined, 30_000],
      [1234, 1234],
    ] as const) {
      it(`gives the end ${limit} ms with sslShutdownTimeout: ${given}: ${name} (2, 95)`, async () => {
        const pair = await plainPair(cleanup, over, { limit: 1000 });
        await upgradeBoth(pair, truncation, { sslShutdownTimeout: given });
        pair.client.writer.write(MUCH);
        while (pair.server.writer.transport.isReading()) await turns(1);
        const timers = fakeTimers(cleanup);
        pair.client.writer.close();
        await turns(3);
        const [timer] = [...timers].filter(({ delay }) => delay === limit);
        timer!.run();
        await assert.rejects(
          pair.client.writer.waitClosed(),
          (error) => error instanceof TlsShutdownTimeoutError && error.timeout === limit,
        );
      });
    }
  }
});

describe("StreamWriter: startTls() on streams of every origin", () => {
  const origins: readonly (readonly [name: string, make: () => Promise<Pair>])[] = [
    ["a Unix socket", () => plainPair(cleanup, "unix")],
    ["a sock", () => plainPair(cleanup, "sock")],
    ["socketPair()", joinedSockets],
    [
      "a pair in memory",
      async () => {
        const { near, far } = connectedInMemory();
        return { client: near, server: far };
      },
    ],
  ];
  for (const [name, make] of origins) {
    for (const truncation of ["ignore", "report"] as const) {
      it(`works on ${name}, which needs a name for the certificate: truncation ${truncation} (88)`, async () => {
        const pair = await make();
        await assert.rejects(pair.client.writer.startTls(trust, { truncation }), {
          name: "TypeError",
          message: /^You must set serverHostname/,
        });
        await Promise.all([
          pair.server.writer.startTls(identity, { truncation, serverSide: true }),
          pair.client.writer.startTls(trust, { truncation, serverHostname: "localhost" }),
        ]);
        await talk(pair);
        await finish(pair);
      });
    }
  }

  async function joinedSockets(): Promise<Pair> {
    const [one, two] = await socketPair();
    const pair = { client: await openConnection({ sock: one }), server: await openConnection({ sock: two }) };
    for (const { writer } of Object.values(pair)) cleanup(() => writer.transport.abort());
    return pair;
  }
});

describe("StreamWriter: startTls() inside TLS", () => {
  const layers = ["ignore", "report", "error"] as const;
  for (const over of ["tcp", "memory"] as const) {
    for (const lower of layers) {
      for (const upper of layers) {
        it(`works over ${over}, truncation ${lower} below and ${upper} above (89)`, async () => {
          const pair = await plainPair(cleanup, over, { limit: 1000 });
          await upgradeBoth(pair, lower);
          const { server } = pair;
          const [peername, context] = [
            server.writer.getExtraInfo("peername"),
            server.writer.getExtraInfo("sslcontext"),
          ];
          await talk(pair);
          await upgradeBoth(pair, upper);
          assert.deepEqual(server.writer.getExtraInfo("peername"), peername);
          assert.notEqual(server.writer.getExtraInfo("sslcontext"), context);
          await talk(pair);
          server.writer.write(MUCH.subarray(0, 5_000_000));
          assert.ok((await pair.client.reader.readExactly(5_000_000)).equals(MUCH.subarray(0, 5_000_000)));
          await finish(pair);
        });

        it(`takes a bare end over ${over} as both layers say, ${lower} below and ${upper} above (97)`, async () => {
          const pair = await plainPair(cleanup, over);
          const bare = pair.server.writer.transport;
          await upgradeBoth(pair, lower);
          await upgradeBoth(pair, upper);
          await talk(pair);
          pair.server.writer.write("last");
          assert.equal((await pair.client.reader.readExactly(4)).toString(), "last");
          bare.abort();
          const end = pair.client.reader.read();
          if (lower === "error" || upper === "error") await assert.rejects(end, TlsTruncationError);
          else assert.equal((await end).length, 0);
          if (upper === "report") assert.equal(pair.client.writer.getExtraInfo("closeNotifyReceived"), false);
        });
      }
    }
  }

  for (const truncation of ["ignore", "report"] as const) {
    it(`works on a connection that is TLS from the start: truncation ${truncation} (89)`, async () => {
      const serve = async (reader: StreamReader, writer: StreamWriter) => {
        await writer.startTls(identity, { truncation });
        writer.write(await reader.readLine());
      };
      const server = await startServer(serve, "127.0.0.1", 0, { ssl: identity, truncation });
      cleanup(() => server[Symbol.asyncDispose]());
      const port = portOf(server);
      const { reader, writer } = await openConnection("127.0.0.1", port, { ssl: trust, truncation });
      await writer.startTls(trust, { truncation });
      writer.write("twice\n");
      assert.equal((await reader.read()).toString(), "twice\n");
      await writer[Symbol.asyncDispose]();
    });
  }
});
