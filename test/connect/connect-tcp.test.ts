import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OSError } from "asyncio-streams";
import { memoryNetwork } from "asyncio-streams/testing";
import { connectTcp, type TcpTarget } from "#src/connect/connect-tcp.js";
import { Network } from "#src/transport/network.js";

const LOCALS = ["192.0.2.1", "192.0.2.2"];

/** From which local addresses a connection is tried when each try fails in `syscall`, and how it fails in the end. */
async function tries(syscall: string): Promise<{ tried: (string | undefined)[]; failure: unknown }> {
  const tried: (string | undefined)[] = [];
  const backend: ReturnType<typeof Network.backendOf> = {
    ...Network.backendOf(memoryNetwork()),
    lookup: async () => LOCALS.map((address) => ({ address, family: 4 })),
    connect: async (_endpoint, { local }) => {
      tried.push(local?.address);
      throw new OSError(`${syscall} from ${local?.address}`, { code: "EOTHER", syscall });
    },
  };
  const target: TcpTarget = {
    host: "127.0.0.1",
    port: 80,
    family: 0,
    flags: 0,
    localAddr: ["here.test", 0],
    happyEyeballsDelay: undefined,
    interleave: 0,
    allErrors: false,
    lookup: undefined,
  };
  const failure: unknown = await connectTcp(backend, target, new AbortController().signal).catch(
    (error: unknown) => error,
  );
  return { tried, failure };
}

describe("connectTcp() with localAddr", () => {
  it("tries the next local address when one cannot be bound, and fails as the last one (60)", async () => {
    const { tried, failure } = await tries("bind");
    assert.deepEqual(tried, LOCALS);
    assert.equal((failure as Error).message, "bind from 192.0.2.2");
  });

  it("tries no other local address when connecting itself fails", async () => {
    const { tried, failure } = await tries("connect");
    assert.deepEqual(tried, LOCALS.slice(0, 1));
    assert.equal((failure as Error).message, "connect from 192.0.2.1");
  });
});
