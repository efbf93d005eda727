import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { before, describe, it } from "node:test";
import type { TlsOptions } from "asyncio-streams";
import { patternBytes } from "../support/bytes.js";
import { makeAuthority, type Identity } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";
import { watchResources } from "../support/open-resources.js";
import { plainPair, WAYS, type PlainPair } from "../support/plain-pairs.js";
import { shortTurns } from "../support/turns.js";

const cleanup = cleanups();
let trust: TlsOptions;
let identity: Identity;
before(() => {
  const authority = makeAuthority();
  trust = { ca: authority.cert };
  identity = authority.issue();
});

/** More than the buffers of a connection hold. */
const MUCH = patternBytes(16_000_000);

describe("StreamWriter: startTls() within bounds", () => {
  for (const { name, over, truncation } of WAYS) {
    const upgradeBoth = ({ client, server }: PlainPair) =>
      Promise.all([
        client.writer.startTls(trust, { truncation }),
        server.writer.startTls(identity, { truncation }),
      ]);

    async function assertUpgradable(pair: PlainPair): Promise<void> {
      pair.client.writer.write("plain\n");
      assert.equal((await pair.server.reader.readLine()).toString(), "plain\n");
      await upgradeBoth(pair);
      pair.client.writer.write("encrypted\n");
      assert.equal((await pair.server.reader.readLine()).toString(), "encrypted\n");
    }

    it(`does nothing with a signal that is aborted already: ${name}`, async () => {
      const pair = await plainPair(cleanup, over);
      const signal = AbortSignal.abort(new RangeError("before"));
      await assert.rejects(pair.client.writer.startTls(trust, { truncation, signal }), { message: "before" });
      await assertUpgradable(pair);
    });

    it(`ended while it sends what was written before: the connection goes on: ${name}`, async () => {
      const pair = await plainPair(cleanup, over);
      const { writer } = pair.client;
      writer.write(MUCH);
      const controller = new AbortController();
      const aborted = writer.startTls(trust, { truncation, signal: controller.signal });
      aborted.catch(() => {});
      await shortTurns(2);
      controller.abort(new RangeError("meanwhile"));
      await assert.rejects(aborted, { message: "meanwhile" });
      await assert.rejects(writer.startTls(trust, { truncation, timeout: 20 }), {
        name: "TimeoutError",
        message: "startTls() did not end within 20 ms",
      });
      assert.equal(writer.isClosing(), false);
      assert.ok((await pair.server.reader.readExactly(MUCH.length)).equals(MUCH));
      await assertUpgradable(pair);
    });

    for (const how of ["aborted", "timed out"] as const) {
      it(`${how} in the handshake: the connection is closed, and all that waits says why: ${name}`, async () => {
        const released = await watchResources();
        const pair = await plainPair(cleanup, over);
        for (const { reader, writer } of [pair.client, pair.server]) {
          const controller = new AbortController();
          const isAborted = how === "aborted";
          const bounds = isAborted ? { signal: controller.signal } : { timeout: 20 };
          const context = writer === pair.client.writer ? trust : identity;
          const upgraded = writer.startTls(context, { truncation, ...bounds });
          upgraded.catch(() => {});
          await shortTurns(3);
          controller.abort(new RangeError("meanwhile"));
          const why = isAborted
            ? { name: "RangeError", message: "meanwhile" }
            : { name: "TimeoutError", message: "startTls() did not end within 20 ms" };
          await assert.rejects(upgraded, why);
          assert.equal(writer.isClosing(), true);
          for (const wait of [reader.read(), writer.waitClosed(), writer.drain()])
            await assert.rejects(wait, why);
          if (writer === pair.client.writer) break;
        }
        pair.server.writer.transport.abort();
        await pair.acceptor[Symbol.asyncDispose]();
        await released();
      });
    }

    it(`leaves no timer and no listener when it succeeds: ${name}`, async () => {
      const pair = await plainPair(cleanup, over);
      const { signal } = new AbortController();
      const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
      const before = timers();
      const bounds = { signal, timeout: 60_000, truncation };
      await Promise.all([
        pair.client.writer.startTls(trust, bounds),
        pair.server.writer.startTls(identity, bounds),
      ]);
      assert.equal(timers(), before);
      assert.equal(getEventListeners(signal, "abort").length, 0);
    });
  }
});
