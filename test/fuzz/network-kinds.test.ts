import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { openConnection, type Connection, type StreamWriter } from "asyncio-streams";
import { needsPython } from "../support/python.js";
import { assertSame, Comparison } from "./assert-same.js";
import { runCampaign, type CampaignOptions, type CampaignResult } from "./campaign.js";
import { readDifferences } from "./differences.js";
import type { Kind } from "./kind.js";
import { complaintOf } from "./report.js";
import { tlsKind } from "./tls/kind.js";
import { plan as planTls, type Course } from "./tls/plan.js";
import type { Script as TlsScript } from "./tls/script.js";
import { runWriter, writerKind } from "./writer/kind.js";
import { plan, type Action } from "./writer/plan.js";
import type { Script } from "./writer/script.js";

const SEED = 1_970;
const python = needsPython();
const differences = readDifferences();

function campaign<Kinds>(
  kind: Kind<Kinds>,
  options: Partial<CampaignOptions>,
): Promise<CampaignResult<Kinds>> {
  return runCampaign(kind, { cases: 100, seed: SEED, python: python.command, differences, ...options });
}

type Spoil = (writer: StreamWriter) => void;

/** The writer kind, with something of the writer, or of its transport, that is wrong. */
function planted(spoil: Spoil): Kind<Script> {
  const open = async (options: Parameters<typeof openConnection>[0] & object): Promise<Connection> => {
    const connection = await openConnection(options);
    spoil(connection.writer);
    return connection;
  };
  return { ...writerKind, run: (script) => runWriter(script, open) };
}

const failsToDrain: Spoil = (writer) => {
  const drain = writer.drain.bind(writer);
  writer.drain = (options) => drain(options).catch(() => {});
};

/** A mistake in each thing that is compared, and what shows it. */
const MISTAKES: readonly (readonly [what: string, actions: readonly Action[], spoil: Spoil])[] = [
  [
    "bytes that arrive",
    [{ act: "write", n: 9 }, { act: "peerReadAll" }],
    (writer) => {
      const write = writer.write.bind(writer);
      writer.write = (data) => write((data as Uint8Array).toReversed());
    },
  ],
  [
    "the end that the peer sees",
    [{ act: "writeEof" }, { act: "peerReadEnd" }],
    (writer) => {
      writer.writeEof = () => writer.transport.reset();
    },
  ],
  [
    "is_closing()",
    [{ act: "close" }, { act: "isClosing" }],
    (writer) => {
      writer.isClosing = () => false;
    },
  ],
  ["what drain() ends with", [{ act: "close" }, { act: "drain" }], failsToDrain],
  [
    "when drain() wakes",
    [{ act: "writeMuch" }, { act: "drain" }, { act: "look" }],
    (writer) => {
      writer.drain = async () => {};
    },
  ],
  [
    "what wait_closed() ends with",
    [{ act: "peerReset" }, { act: "waitClosed" }],
    (writer) => {
      const waitClosed = writer.waitClosed.bind(writer);
      writer.waitClosed = (options) => waitClosed(options).catch(() => {});
    },
  ],
  [
    "marks that are moved",
    [{ act: "setLimits", high: 0 }, { act: "limits" }],
    (writer) => {
      writer.transport.setWriteBufferLimits = () => {};
    },
  ],
  [
    "errors of wrong arguments",
    [{ act: "setLimits", high: -1 }],
    (writer) => {
      writer.transport.setWriteBufferLimits = () => {
        throw new TypeError("high (-1) must be >= low (-1) must be >= 0");
      };
    },
  ],
];

/** Each action in a tick of its own, over TCP. */
const scriptOf = (actions: readonly Action[]): Script =>
  plan(
    "tcp",
    65_536,
    actions.map((action) => [action]),
  );

describe("the writer kind, script by script", python.options, () => {
  let comparison: Comparison<Script>;
  before(async () => {
    comparison = await Comparison.open(writerKind);
  });
  after(() => comparison.close());

  for (const [what, actions, spoil] of MISTAKES) {
    it(`finds a mistake in ${what}`, async () => {
      const script = scriptOf(actions);
      await comparison.assertSame(script);
      const wrong = planted(spoil);
      await assert.rejects(
        comparison.assertSame(script, (given) => wrong.run(given)),
        assert.AssertionError,
      );
    });
  }
});

describe("the writer kind", python.options, () => {
  it("does in every script what CPython's connection does, but for the table of differences", async () => {
    const result = await campaign(writerKind, {});
    assert.equal(complaintOf(writerKind, result), undefined);
    assert.equal(result.cases, 100);
  });

  it("finds a mistake by chance, and makes its script small", async () => {
    const { failure } = await campaign(planted(failsToDrain), {});
    assert.ok(failure !== undefined && failure.verdict.script.steps.length <= 25);
  });
});

const COURSE: Course = {
  side: "client",
  way: "startTls",
  version: "TLSv1.3",
  truncation: "ignore",
  opening: "right",
  isMutual: false,
  before: 0,
  actions: [
    { act: "write", n: 20_000 },
    { act: "drain" },
    { act: "peerRead", n: 20_000 },
    { act: "peerWrite", n: 30 },
    { act: "read", n: 10 },
  ],
  ending: "notify",
};

/** What the fuzz of TLS is there for, by name. */
const COURSES: readonly (readonly [what: string, course: Partial<Course>])[] = [
  ["a handshake", { way: "openTls" }],
  ["a certificate of another name", { opening: "wrongName" }],
  ["a certificate of nobody", { opening: "untrusted", way: "openTls" }],
  ["a client's certificate that is missing", { side: "server", opening: "missing" }],
  ["an upgrade with plain bytes in the reader", { opening: "early" }],
  ["an upgrade with a client's handshake in the reader", { opening: "early", side: "server" }],
  ["a handshake that takes too long", { opening: "silence" }],
  ["the peer's close_notify", { ending: "notify" }],
  ["a connection that is cut", { ending: "truncate", side: "server" }],
  ["a close() that nobody answers", { ending: "closeUnanswered" }],
];

describe("the tls kind", python.options, () => {
  let comparison: Comparison<TlsScript>;
  before(async () => {
    comparison = await Comparison.open(tlsKind);
  });
  after(() => comparison.close());

  for (const [what, course] of COURSES) {
    it(`does as asyncio with ${what}`, () => comparison.assertSame(planTls({ ...COURSE, ...course })));
  }

  it("finds a mistake in what is wrong with a certificate", async () => {
    const script = planTls({ ...COURSE, opening: "wrongName" });
    const another = planTls({ ...COURSE, opening: "untrusted" });
    await assert.rejects(
      comparison.assertSame(script, () => tlsKind.run(another)),
      assert.AssertionError,
    );
  });
});

describe("assertSame()", python.options, () => {
  it("carries out what a failing campaign prints", async () => {
    const script = scriptOf([{ act: "write", n: 3 }, { act: "peerReadAll" }]);
    assert.match(
      writerKind.show(script),
      /^it\(".*", \(\) => assertSame\(writerKind, \{"socket":"tcp",.*\}\)\);$/,
    );
    await assertSame(writerKind, script);
  });
});
