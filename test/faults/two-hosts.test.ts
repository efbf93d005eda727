import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { makeAuthority, type Authority } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";
import type { Program } from "../support/processes.js";
import { FAR, FAR_TOO, needsTwoHosts, twoHosts, type Cable, type TwoHosts } from "../support/two-hosts.js";

type Cleanup = (undo: () => unknown) => void;

const options = needsTwoHosts();

/** The same for IPv4 and IPv6; nobody else is in this network. */
const PORT = 7;

async function serve(hosts: TwoHosts, serverOptions: object = {}): Promise<Program> {
  const args = [String(PORT), JSON.stringify(serverOptions)];
  const server = hosts.run("far", "test/programs/far-server.js", args);
  assert.equal(await server.nextLine(), "serving");
  return server;
}

interface Target {
  readonly host: string;
  readonly addresses?: readonly string[];
}

function runClient(
  hosts: TwoHosts,
  task: string,
  target: Target,
  clientOptions?: object,
  resolver?: string,
): Program {
  const details = JSON.stringify({ ...target, port: PORT, options: clientOptions });
  return hosts.run("near", "test/programs/near-client.js", [task, details], resolver);
}

/** Two hosts whose client has said hello to the server. */
async function greeted(cleanup: Cleanup, task: string, client?: object, server?: object) {
  const hosts = await twoHosts(cleanup);
  const serverProgram = await serve(hosts, server);
  const clientProgram = runClient(hosts, task, { host: FAR.ipv4 }, client);
  assert.equal(await clientProgram.nextLine(), "talking");
  return { hosts, client: clientProgram, server: serverProgram };
}

async function assertEnds(program: Program, lines: readonly string[]): Promise<void> {
  assert.deepEqual(await program.finish(), { lines, errors: "", status: 0 });
}

describe("A connection between two hosts", options, () => {
  const cleanup = cleanups();
  let authority: Authority;
  before(() => {
    authority = makeAuthority();
  });

  const bad: Cable = { delay: 5, loss: 0.01, reorder: 0.1 };

  for (const [family, host] of Object.entries(FAR)) {
    it(`over ${family} delivers every byte, in order, where frames are late, lost and reordered`, async () => {
      const hosts = await twoHosts(cleanup);
      await hosts.setCable(bad);
      const server = await serve(hosts);
      await assertEnds(runClient(hosts, "echo", { host }), ["talking", "the same", "nothing left"]);
      await assertEnds(server, ["ended"]);
      const { lost, late } = await hosts.setCable({});
      assert.ok(lost > 0 && late > 0, `${lost} were lost, ${late} late`);
    });
  }

  for (const truncation of ["ignore", "error"]) {
    it(`over TLS, with truncation "${truncation}", delivers every byte where frames are late, lost and reordered`, async () => {
      const hosts = await twoHosts(cleanup);
      await hosts.setCable(bad);
      const identity = authority.issue({ addresses: [FAR.ipv4] });
      const server = await serve(hosts, { ssl: identity, truncation });
      const client = { ssl: { ca: authority.cert }, truncation };
      await assertEnds(runClient(hosts, "echo", { host: FAR.ipv4 }, client), [
        "talking",
        "the same",
        "nothing left",
      ]);
      await assertEnds(server, ["ended"]);
    });
  }

  it("goes on where it was when the cable is put in again", async () => {
    const { hosts, client, server } = await greeted(cleanup, "echo");
    await hosts.setCable({ pulled: true });
    await hosts.setCable({});
    await assertEnds(client, ["the same", "nothing left"]);
    await assertEnds(server, ["ended"]);
  });
});

describe("A peer whose cable is pulled", options, () => {
  const cleanup = cleanups();

  it("is found by both sides with liveness.idle", async () => {
    const liveness = { idle: 300 };
    const { hosts, client, server } = await greeted(cleanup, "listen", { liveness }, { liveness });
    await hosts.setCable({ pulled: true });
    await assertEnds(client, ["lost IdleTimeoutError ETIMEDOUT", "nothing left"]);
    assert.equal(await server.nextLine(), "lost IdleTimeoutError ETIMEDOUT");
    await assertEnds(server, []);
  });

  it("is found by both sides with liveness.keepAlive", async () => {
    const liveness = { keepAlive: 1000 };
    const { hosts, client, server } = await greeted(cleanup, "listen", { liveness }, { liveness });
    // Deno leaves it to the system how often it asks, which is every 75 s.
    for (const host of ["near", "far"] as const) {
      await hosts.configure(host, "net/ipv4/tcp_keepalive_intvl", "1");
    }
    await hosts.setCable({ pulled: true });
    await assertEnds(client, ["lost TimeoutError ETIMEDOUT", "nothing left"]);
    assert.equal(await server.nextLine(), "lost TimeoutError ETIMEDOUT");
    await assertEnds(server, []);
  });

  it("is found by a writer with liveness.writeStall", async () => {
    const { hosts, client } = await greeted(cleanup, "write", { liveness: { writeStall: 300 } });
    await hosts.setCable({ pulled: true });
    await assertEnds(client, ["lost WriteStallError ETIMEDOUT", "nothing left"]);
  });

  it("is found by a writer without liveness when the system gives up", async () => {
    const hosts = await twoHosts(cleanup);
    await hosts.configure("near", "net/ipv4/tcp_retries2", "1");
    await serve(hosts);
    const client = runClient(hosts, "write", { host: FAR.ipv4 });
    assert.equal(await client.nextLine(), "talking");
    await hosts.setCable({ pulled: true });
    await assertEnds(client, ["lost TimeoutError ETIMEDOUT", "nothing left"]);
  });

  it("does not hold up a server's shutdown beyond its grace", async () => {
    const { hosts, server } = await greeted(cleanup, "listen");
    await hosts.setCable({ pulled: true });
    server.say("100");
    assert.equal(await server.nextLine(), "ended");
    assert.equal(await server.nextLine(), "shut down: 0 ended, 1 aborted");
    await assertEnds(server, []);
  });
});

describe("openConnection() to a host that drops packets silently", options, () => {
  const cleanup = cleanups();
  const dead = FAR_TOO;
  const lost: Cable = { swallow: Object.values(dead) };

  for (const [name, addresses] of [
    ["IPv6, the other is IPv4", [dead.ipv6, FAR.ipv4]],
    ["IPv4, the other is IPv6", [dead.ipv4, FAR.ipv6]],
    ["IPv4, the other is too", [dead.ipv4, FAR.ipv4]],
  ] as const) {
    it(`races to the living address when the dead one is ${name}, and leaves nothing (63)`, async () => {
      const hosts = await twoHosts(cleanup);
      await hosts.setCable(lost);
      await serve(hosts);
      const client = runClient(hosts, "connect", { host: "far.test", addresses }, { happyEyeballsDelay: 50 });
      const { lines, errors } = await client.finish();
      assert.equal(errors, "");
      assert.deepEqual(JSON.parse(lines[0]!).slice(0, 2), [addresses[1], PORT]);
      assert.deepEqual(lines.slice(1), ["nothing left"]);
    });
  }

  it("rejects with a TimeoutError after its timeout, and leaves nothing (66)", async () => {
    const hosts = await twoHosts(cleanup);
    await hosts.setCable(lost);
    const client = runClient(hosts, "connect", { host: dead.ipv4 }, { timeout: 200 });
    await assertEnds(client, ["lost TimeoutError ETIMEDOUT", "nothing left"]);
  });

  it("rejects as the system does when that gives up", async () => {
    const hosts = await twoHosts(cleanup);
    await hosts.configure("near", "net/ipv4/tcp_syn_retries", "1");
    await hosts.setCable(lost);
    await assertEnds(runClient(hosts, "connect", { host: dead.ipv4 }), [
      "lost TimeoutError ETIMEDOUT",
      "nothing left",
    ]);
  });
});

describe("openConnection() to a name that cannot be looked up", options, () => {
  const cleanup = cleanups();

  for (const [resolver, what, clientOptions, outcome] of [
    ["198.51.100.1", "cannot be reached rejects with the error", undefined, "NameResolutionError EAI_AGAIN"],
    [FAR.ipv4, "is not there rejects with the error", undefined, "NameResolutionError EAI_AGAIN"],
    [FAR_TOO.ipv4, "is silent rejects after the timeout", { timeout: 200 }, "TimeoutError ETIMEDOUT"],
  ] as const) {
    it(`since the name server ${what}, and leaves nothing (59, 66)`, async () => {
      const hosts = await twoHosts(cleanup);
      await hosts.setCable({ swallow: [FAR_TOO.ipv4] });
      const client = runClient(hosts, "connect", { host: "far.test" }, clientOptions, resolver);
      await assertEnds(client, [`lost ${outcome}`, "nothing left"]);
    });
  }
});

describe("openConnection() without a port left", options, () => {
  const cleanup = cleanups();

  it("rejects with EADDRNOTAVAIL, keeps what is connected, and leaves nothing", async () => {
    const hosts = await twoHosts(cleanup);
    await hosts.configure("near", "net/ipv4/ip_local_port_range", "40000 40007");
    const server = await serve(hosts);
    const client = runClient(hosts, "ports", { host: FAR.ipv4 });
    await assertEnds(client, ["8 connected, then lost OSError EADDRNOTAVAIL", "nothing left"]);
    await server.finish();
  });
});
