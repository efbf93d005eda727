import assert from "node:assert/strict";
import dns from "node:dns";
import { isIP } from "node:net";
import { describe, it } from "node:test";
import { NameResolutionError, OSError, type LookupFunction } from "asyncio-streams";
import { Network } from "#src/transport/network.js";
import { memoryNetwork } from "asyncio-streams/testing";
import {
  ANY_ADDRESS,
  ipFamily,
  LOOPBACK,
  resolveHost,
  type ResolveOptions,
} from "#src/connect/resolve-host.js";
import type { HostAddress, HostQuery } from "#src/transport/backend.js";

const SIX = { address: "2001:db8::6", family: 6 } as const;
const FOUR = { address: "192.0.2.4", family: 4 } as const;
const HOSTS: Readonly<Record<string, readonly HostAddress[]>> = { "both.test": [SIX, FOUR], "none.test": [] };

/** Resolves `host` at port 80 over a backend that knows `both.test`, and counts how often it is asked. */
async function resolve(host: string | undefined, options: Partial<ResolveOptions> = {}) {
  const asked: [host: string, query: HostQuery][] = [];
  const backend = {
    ...Network.backendOf(memoryNetwork()),
    lookup: async (name: string, query: HostQuery) => {
      asked.push([name, query]);
      const found = HOSTS[name];
      if (found === undefined) throw new NameResolutionError(`getaddrinfo ENOTFOUND ${name}`);
      return found.filter(({ family }) => query.family === 0 || family === query.family);
    },
  };
  const { signal } = new AbortController();
  const endpoints = await resolveHost(backend, host, 80, {
    family: 0,
    flags: 0,
    signal,
    noHost: LOOPBACK,
    ...options,
  });
  assert.ok(endpoints.every(({ kind, port }) => kind === "tcp" && port === 80));
  return { asked, addresses: endpoints.map(({ address, family }) => ({ address, family })) };
}

describe("resolveHost()", () => {
  for (const [host, family] of [
    ["127.0.0.1", 4],
    ["::1", 6],
    ["::ffff:192.0.2.1", 6],
  ] as const) {
    it(`takes ${host} as it is, without a lookup (59)`, async () => {
      const lookup: LookupFunction = () => assert.fail("looked up");
      for (const options of [{}, { lookup }, { family }]) {
        const { asked, addresses } = await resolve(host, options);
        assert.deepEqual(addresses, [{ address: host, family }]);
        assert.deepEqual(asked, []);
      }
    });
  }

  for (const [host, family] of [
    ["127.0.0.1", 6],
    ["::1", 4],
  ] as const) {
    it(`refuses ${host} when IPv${family} is wanted (59)`, async () => {
      await assert.rejects(resolve(host, { family }), (error: OSError) => {
        assert.ok(error instanceof NameResolutionError);
        assert.equal(error.code, "EAI_ADDRFAMILY");
        return error.message.includes(host);
      });
    });
  }

  it("takes no host for what it stands for, of the wanted family (59)", async () => {
    assert.deepEqual((await resolve(undefined)).addresses, LOOPBACK);
    const six = { address: "::1", family: 6 };
    assert.deepEqual(LOOPBACK, [six, { address: "127.0.0.1", family: 4 }]);
    const any = { address: "0.0.0.0", family: 4 };
    assert.deepEqual(ANY_ADDRESS, [any, { address: "::", family: 6 }]);
    assert.deepEqual((await resolve(undefined, { family: 4 })).addresses, [LOOPBACK[1]]);
    assert.deepEqual((await resolve(undefined, { family: 6, noHost: ANY_ADDRESS })).addresses, [
      ANY_ADDRESS[1],
    ]);
  });

  it("asks the backend for a name, once, and keeps the order of the answer (59)", async () => {
    const { asked, addresses } = await resolve("both.test", { flags: 32 });
    assert.deepEqual(addresses, [SIX, FOUR]);
    assert.deepEqual(asked, [["both.test", { family: 0, hints: 32, passive: false }]]);
    assert.deepEqual((await resolve("both.test", { family: 4 })).addresses, [FOUR]);
  });

  it("passes on the resolver's error (59)", async () => {
    await assert.rejects(resolve("unknown.test"), NameResolutionError);
    const own = new Error("my own");
    await assert.rejects(resolve("x", { lookup: (_host, _options, callback) => callback(own, []) }), own);
    await assert.rejects(resolve("x", { lookup: () => Promise.reject(own) }), own);
    const throws = (): never => {
      throw own;
    };
    await assert.rejects(resolve("x", { lookup: throws }), own);
  });

  it("refuses an empty answer (59)", async () => {
    const empty = { name: "OSError", code: "ENOTFOUND", message: "getaddrinfo() returned empty list" };
    await assert.rejects(resolve("none.test"), empty);
    await assert.rejects(resolve("x", { lookup: async () => [] }), empty);
  });

  const answers: readonly [what: string, lookup: LookupFunction][] = [
    ["a list by callback", (_host, _options, callback) => callback(null, [SIX, FOUR])],
    ["a list by promise", async () => [SIX, FOUR]],
    [
      "a list by callback, later",
      (_host, _options, callback) => void setImmediate(callback, null, [SIX, FOUR]),
    ],
  ];
  for (const [what, lookup] of answers) {
    it(`takes from a lookup ${what}`, async () => {
      assert.deepEqual((await resolve("x", { lookup })).addresses, [SIX, FOUR]);
    });
  }

  const singles: readonly [what: string, lookup: LookupFunction][] = [
    ["an address by callback", (_host, _options, callback) => callback(null, "192.0.2.4", 4)],
    ["an address by promise", async () => FOUR],
    ["a bare address by promise", async () => "192.0.2.4"],
  ];
  for (const [what, lookup] of singles) {
    it(`takes from a lookup ${what}`, async () => {
      assert.deepEqual((await resolve("x", { lookup })).addresses, [FOUR]);
    });
  }

  it("tells a lookup the host, the family and the hints, and wants all addresses", async () => {
    let told: unknown;
    const lookup: LookupFunction = async (...given) => {
      told = given.slice(0, 2);
      return [SIX];
    };
    await resolve("x.test", { lookup, family: 6, flags: 32 });
    assert.deepEqual(told, ["x.test", { all: true, family: 6, hints: 32 }]);
  });

  it("takes a lookup that also returns a handle, as dns.lookup does", async () => {
    assert.ok((await resolve("localhost", { lookup: dns.lookup })).addresses.length > 0);
    const returnsHandle = (...[, , callback]: Parameters<LookupFunction>) => {
      callback(null, [FOUR]);
      return {} as unknown as void;
    };
    assert.deepEqual((await resolve("x", { lookup: returnsHandle })).addresses, [FOUR]);
  });

  it("keeps of a lookup's answer what is of the wanted family", async () => {
    const lookup: LookupFunction = async () => [SIX, FOUR];
    assert.deepEqual((await resolve("x", { lookup, family: 4 })).addresses, [FOUR]);
    assert.deepEqual((await resolve("x", { lookup, family: 6 })).addresses, [SIX]);
    await assert.rejects(resolve("x", { lookup: async () => [SIX], family: 4 }), OSError);
  });

  it("finds out the family of an answer by itself, also with a zone", async () => {
    const lookup = (async () => [
      { address: "fe80::1%lo", family: "IPv6" },
      { address: "192.0.2.4" },
    ]) as unknown as LookupFunction;
    assert.deepEqual((await resolve("x", { lookup })).addresses, [
      { address: "fe80::1%lo", family: 6 },
      FOUR,
    ]);
  });

  const wrong: readonly [answer: unknown, shown: string][] = [
    [undefined, "undefined"],
    [null, "undefined"],
    ["no address", 'string "no address"'],
    [[{ address: "127.0.0.1", family: 4 }, { address: "localhost" }], 'string "localhost"'],
    [[{ host: "127.0.0.1" }], "undefined"],
    [7, "undefined"],
  ];
  for (const [answer, shown] of wrong) {
    it(`refuses from a lookup ${JSON.stringify(answer)}`, async () => {
      const byPromise = (async () => answer) as unknown as LookupFunction;
      const byCallback: LookupFunction = (_host, _options, callback) => callback(null, answer as string);
      for (const lookup of [byPromise, byCallback]) {
        await assert.rejects(resolve("x", { lookup }), (error: Error) => {
          assert.equal(error.name, "TypeError");
          assert.equal(error.message, `lookup gave ${shown} as an address`);
          return true;
        });
      }
    });
  }

  it("gives up a lookup that hangs when its signal aborts", async () => {
    const controller = new AbortController();
    const lookup: LookupFunction = () => new Promise(() => {});
    const resolving = resolve("x", { lookup, signal: controller.signal });
    controller.abort("enough");
    await assert.rejects(resolving, (reason) => reason === "enough");
  });
});

describe("ipFamily()", () => {
  const hosts =
    "127.0.0.1 0.0.0.0 255.255.255.255 249.19.200.99 256.0.0.1 1.2.3 1.2.3.4. .1.2.3.4 1.2.3.4.5 01.2.3.4 0x7f.0.0.1 1 " +
    ":: ::1 1:: 1:2:3:4:5:6:7:8 1:2:3:4:5:6:7 1:2:3:4:5:6:7:8:9 1::2::3 ::FFFF:1.2.3.4 ::1.2.3 :: : ::g 12345:: " +
    "[::1] 1]@[::1] ::1/64 localhost a.b.c.d";
  for (const host of [...new Set(hosts.split(" ")), "", " ::1", "::1\n", "127.0.0.1\n"]) {
    it(`of ${JSON.stringify(host)} is ${isIP(host)} (59)`, () => {
      assert.equal(ipFamily(host), isIP(host));
    });
  }

  it("leaves an address with a zone to the resolver (59)", () => {
    assert.equal(ipFamily("fe80::1%lo"), 0);
  });
});
