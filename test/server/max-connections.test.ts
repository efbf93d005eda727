import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, it } from "node:test";
import {
  openConnection,
  startServer,
  type ClientConnectedCallback,
  type Connection,
  type Server,
  type StartServerOptions,
} from "asyncio-streams";
import { portOf } from "../support/addresses.js";
import { makeAuthority } from "../support/certificates.js";
import { leavingNothing } from "../support/open-resources.js";
import { isPending, settleDown } from "../support/pending.js";
import { servedInMemory } from "../support/served-in-memory.js";

type Cleanup = (undo: () => unknown) => void;

const authority = makeAuthority();
const trust = { ssl: { ca: authority.cert }, serverHostname: "localhost" };
const NETWORKS: Readonly<Record<string, StartServerOptions>> = {
  TCP: {},
  TLS: { ssl: authority.issue() },
  "TLS with truncation: report": { ssl: authority.issue(), truncation: "report" },
};

/** A server that greets each client with how many it has served, and keeps it until the client ends. */
class Setting {
  readonly #cleanup: Cleanup;
  readonly #isTls: boolean;
  readonly server: Server;
  served = 0;
  open = 0;
  mostOpen = 0;

  static async start(cleanup: Cleanup, options: StartServerOptions): Promise<Setting> {
    let setting: Setting | undefined = undefined;
    const server = await startServer((...call) => setting!.#serve(...call), "127.0.0.1", 0, options);
    cleanup(() => server.shutdown({ grace: 0 }));
    return (setting = new Setting(cleanup, server, options.ssl !== undefined));
  }

  constructor(cleanup: Cleanup, server: Server, isTls: boolean) {
    this.#cleanup = cleanup;
    this.server = server;
    this.#isTls = isTls;
  }

  readonly #serve: ClientConnectedCallback = async (reader, writer) => {
    this.mostOpen = Math.max(this.mostOpen, ++this.open);
    const end = () => void this.open--;
    void writer.waitClosed().then(end, end);
    writer.write(`${++this.served}\n`);
    await reader.read();
  };

  /** A client that is connected, and in the order of the calls. */
  async dial(): Promise<Client> {
    const socket = connect(portOf(this.server), "127.0.0.1");
    socket.on("error", () => {});
    this.#cleanup(() => socket.destroy());
    await once(socket, "connect");
    const opening = openConnection({ sock: socket, ...(this.#isTls ? trust : {}) });
    return {
      socket,
      opening,
      greeting: opening.then(({ reader }) => reader.readLine()).then(String, () => ""),
    };
  }
}

interface Client {
  readonly socket: Socket;
  readonly opening: Promise<Connection>;
  /** Empty if it is refused. */
  readonly greeting: Promise<string>;
}

async function leave({ opening }: Client): Promise<void> {
  const { writer } = await opening;
  writer.close();
}

describe("maxConnections", () => {
  for (const [network, options] of Object.entries(NETWORKS)) {
    describe(`over ${network}`, () => {
      it(`with whenFull: "wait", the default, serves in order as places become free, and refuses beyond backlog`, () =>
        leavingNothing(async (cleanup) => {
          const setting = await Setting.start(cleanup, { ...options, maxConnections: 2, backlog: 2 });
          const clients: Client[] = [];
          for (let count = 0; count < 5; count++) clients.push(await setting.dial());
          const greetings = clients.map(({ greeting }) => greeting);
          assert.equal(await greetings[4], "", "refused");
          assert.deepEqual((await Promise.all(greetings.slice(0, 2))).toSorted(), ["1\n", "2\n"]);
          assert.equal(await isPending(Promise.race(greetings.slice(2, 4))), true);
          if (options.ssl !== undefined)
            assert.equal(await isPending(clients[2]!.opening), true, "TLS has not begun");
          await leave(clients[1]!);
          assert.equal(await greetings[2], "3\n");
          assert.equal(await isPending(greetings[3]!), true);
          await leave(clients[2]!);
          assert.equal(await greetings[3], "4\n");
          assert.equal(setting.mostOpen, 2);
        }));

      it(`with whenFull: "refuse" ends further ones at once, and serves again when a place is free`, () =>
        leavingNothing(async (cleanup) => {
          const limits = { maxConnections: 1, whenFull: "refuse" } as const;
          const setting = await Setting.start(cleanup, { ...options, ...limits });
          const first = await setting.dial();
          assert.equal(await first.greeting, "1\n");
          for (let count = 0; count < 3; count++) assert.equal(await (await setting.dial()).greeting, "");
          await leave(first);
          while (setting.open > 0) await settleDown();
          assert.equal(await (await setting.dial()).greeting, "2\n");
          assert.equal(setting.mostOpen, 1);
        }));

      it("a held client that goes away takes its place in turn and gives it up; close() drops those held", () =>
        leavingNothing(async (cleanup) => {
          const onError = () => {};
          const setting = await Setting.start(cleanup, { ...options, maxConnections: 1, onError });
          const clients = [
            await setting.dial(),
            await setting.dial(),
            await setting.dial(),
            await setting.dial(),
          ];
          assert.equal(await clients[0]!.greeting, "1\n");
          clients[1]!.socket.destroy();
          clients[2]!.socket.resetAndDestroy();
          await leave(clients[0]!);
          assert.match(await clients[3]!.greeting, /^[1-4]\n$/);
          const last = await setting.dial();
          setting.server.close();
          assert.equal(await last.greeting, "");
          assert.equal(setting.mostOpen, 1);
        }));
    });
  }

  it("counts a connection in its TLS handshake; one that fails gives its place up", () =>
    leavingNothing(async (cleanup) => {
      const errors: unknown[] = [];
      const onError = (error: unknown) => void errors.push(error);
      const setting = await Setting.start(cleanup, { ...NETWORKS["TLS"], maxConnections: 1, onError });
      const bare = connect(portOf(setting.server), "127.0.0.1").on("error", () => {});
      await once(bare, "connect");
      const { greeting } = await setting.dial();
      assert.equal(await isPending(greeting), true);
      bare.destroy();
      assert.equal(await greeting, "1\n");
      assert.equal(errors.length, 1);
    }));

  it("leaves the bytes of those held with the peer", async () => {
    const { connect: dial, calls } = await servedInMemory({ maxConnections: 1 });
    const first = await dial();
    const { writer } = await dial();
    const data = new Uint8Array(1_000_000);
    writer.write(data);
    const drained = writer.drain();
    assert.equal(await isPending(drained), true);
    first.writer.close();
    calls[0]![1].close();
    await settleDown();
    writer.writeEof();
    assert.equal((await calls[1]![0].read()).length, data.length);
    await drained;
  });

  it("holds one with a backlog of 0", async () => {
    const { connect: dial, calls } = await servedInMemory({ maxConnections: 1, backlog: 0 });
    const clients = [await dial(), await dial(), await dial()];
    assert.equal((await clients[2]!.reader.read()).length, 0);
    calls[0]![1].close();
    await settleDown();
    assert.equal(calls.length, 2);
  });

  it("serves what has waited for startServing() in order too, and refuses beyond backlog", async () => {
    const options = { startServing: false, maxConnections: 1, backlog: 2 };
    const { server, connect: dial, calls } = await servedInMemory(options);
    const clients = [await dial(), await dial(), await dial()];
    await server.startServing();
    assert.equal((await clients[2]!.reader.read()).length, 0);
    clients[1]!.writer.write("second");
    calls[0]![1].close();
    await settleDown();
    assert.equal((await calls[1]![0].read(10)).toString(), "second");
  });

  it("is no limit by default", async () => {
    const { connect: dial, calls } = await servedInMemory({ backlog: 1 });
    for (let count = 0; count < 300; count++) await dial();
    assert.equal(calls.length, 300);
  });
});
