import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { createSecureContext } from "node:tls";
import { type StartTlsOptions, type TlsOptions } from "asyncio-streams";
import { makeAuthority, type Authority, type Identity } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";
import { plainPair, WAYS } from "../support/plain-pairs.js";

const cleanup = cleanups();
let authority: Authority;
let identity: Identity;
before(() => {
  authority = makeAuthority();
  identity = authority.issue();
});

const notNumber = ["5", null, true, {}, 5n];
const times = [0, -1, NaN, Infinity, 2 ** 31];
const wrongContexts = [
  undefined,
  null,
  false,
  5,
  "x",
  [],
  new Map(),
  () => {},
  Buffer.from("x"),
  createSecureContext(),
];

interface Row {
  readonly name: string;
  readonly wrongKind: readonly unknown[];
  readonly outOfRange?: readonly unknown[];
}

const options: readonly Row[] = [
  { name: "serverHostname", wrongKind: [5, true, {}, ["localhost"]], outOfRange: ["a\0b", ".a"] },
  { name: "serverSide", wrongKind: [1, "server", null, {}] },
  { name: "buffered", wrongKind: [1, true, null, {}], outOfRange: ["", "refuse", "FEED"] },
  { name: "truncation", wrongKind: [1, true, null, {}], outOfRange: ["", "warn", "ERROR"] },
  { name: "sslHandshakeTimeout", wrongKind: notNumber, outOfRange: times },
  { name: "sslShutdownTimeout", wrongKind: notNumber, outOfRange: times },
  { name: "timeout", wrongKind: notNumber, outOfRange: times },
  { name: "signal", wrongKind: [5, true, null, {}, "now"] },
];

type Wrong = readonly [context: unknown, options: unknown, error: RegExp, name?: "RangeError"];

/** Stands for a context that fits the side: a server needs a certificate. */
const FITTING = {};

/** What a client and a server both refuse, and its message. */
const wrongForBoth: readonly Wrong[] = [
  ...wrongContexts.map((context) => [context, {}, /^context must be TLS options/] as const),
  ...[5, "x", [], new Map()].map(
    (value) => [FITTING, value, /^startTls\(\) options must be an object/] as const,
  ),
  [FITTING, { serverHostName: "x" }, /unexpected option "serverHostName"/],
  ...options.flatMap(({ name, wrongKind, outOfRange = [] }) => [
    ...wrongKind.map((value) => [FITTING, { [name]: value }, new RegExp(`^${name} must `)] as const),
    ...outOfRange.map(
      (value) => [FITTING, { [name]: value }, new RegExp(`^${name} must `), "RangeError"] as const,
    ),
  ]),
];

describe("StreamWriter: the arguments of startTls()", () => {
  for (const { name, over, truncation } of WAYS) {
    it(`are refused before anything is done, and the connection goes on: ${name} (58, 87)`, async () => {
      const pair = await plainPair(cleanup, over);
      const ends = [pair.client.writer, pair.server.writer];
      for (const [context, options, message, errorName = "TypeError"] of wrongForBoth) {
        for (const [index, writer] of ends.entries()) {
          const given = context === FITTING && index === 1 ? identity : context;
          await assert.rejects(writer.startTls(given as TlsOptions, options as StartTlsOptions), {
            name: errorName,
            message,
          });
        }
      }
      const pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
      const [client, server] = ends as [typeof pair.client.writer, typeof pair.client.writer];
      const refused: [Promise<void>, object][] = [
        [
          server.startTls(true),
          { name: "TypeError", message: /^context must be TLS options, not boolean true/ },
        ],
        [server.startTls({}), { name: "TypeError", message: /^context of a server must have one of cert/ }],
      ];
      for (const [promise, error] of refused) await assert.rejects(promise, error);
      for (const context of [
        { ...identity, cert: pem },
        { ...identity, key: "x" },
        { ...identity, ciphers: "NONE" },
      ]) {
        for (const writer of ends) await assert.rejects(writer.startTls(context, { truncation }), Error);
      }
      await assert.rejects(client.startTls({ minVersion: "TLSv9" as "TLSv1.3" }), TypeError);

      client.write("plain\n");
      assert.equal((await pair.server.reader.readLine()).toString(), "plain\n");
      await Promise.all([
        server.startTls(identity, { truncation }),
        client.startTls({ ca: authority.cert }, { truncation }),
      ]);
      client.write("encrypted\n");
      assert.equal((await pair.server.reader.readLine()).toString(), "encrypted\n");
    });

    it(`does not begin after writeEof(), and the other direction goes on: ${name}`, async () => {
      const { client, server } = await plainPair(cleanup, over);
      client.writer.writeEof();
      await assert.rejects(client.writer.startTls(true, { truncation }), {
        name: "InvalidStateError",
        message: "Cannot call startTls() after writeEof()",
      });
      server.writer.write("still here\n");
      assert.equal((await client.reader.readLine()).toString(), "still here\n");
    });
  }
});
