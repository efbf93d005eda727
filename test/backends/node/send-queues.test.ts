import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { platform } from "node:process";
import { describe, it } from "node:test";
import { SendQueues, systemSendQueues } from "#src/backends/node/send-queues.js";
import type { TcpEndpoint } from "#src/transport/endpoint.js";
import { cleanups } from "../../support/cleanup.js";
import { connectedToSocket } from "../../support/connections.js";
import { turns } from "../../support/turns.js";

const HEAD =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const TABLES: Readonly<Record<string, string>> = {
  "/proc/net/tcp":
    HEAD +
    "   0: 0100007F:1F90 0100007F:C350 01 00001000:00000020 01:00000014 00000000 0 0 1 1 0 20 4 0 10 -1\n" +
    "   1: 0100007F:C350 0100007F:1F90 01 000A0000:00000000 01:00000014 00000000 0 0 1 1 0 20 4 0 10 -1\n",
  "/proc/net/tcp6":
    HEAD +
    "   0: 00000000000000000000000001000000:1F90 000080FE00000000000000000A000000:C350 01 00000007:00000000 0\n" +
    "   1: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000100007F:C351 01 00000008:00000000 0\n",
};

const at = (address: string, port: number): TcpEndpoint => ({
  kind: "tcp",
  address,
  port,
  family: address.includes(":") ? 6 : 4,
});

function queuesWith(tables: Readonly<Record<string, string>>) {
  const state = { now: 0, reads: 0, readingTime: 0 };
  const read = (file: string) => {
    state.reads++;
    state.now += state.readingTime;
    return tables[file] ?? "";
  };
  return { state, queues: new SendQueues(read, () => state.now) };
}

describe("SendQueues", () => {
  const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
  const cases: readonly [TcpEndpoint, TcpEndpoint, number | undefined][] = [
    [at("127.0.0.1", 8080), at("127.0.0.1", 50_000), 4096],
    [at("127.0.0.1", 50_000), at("127.0.0.1", 8080), 655_360],
    [at("127.0.0.1", 8080), at("127.0.0.1", 8080), undefined],
    [at("::1", 8080), at("fe80::a%lo", 50_000), 7],
    [at("::ffff:127.0.0.1", 8080), at("::ffff:127.0.0.1", 50_001), 8],
    [at("::1", 8080), at("::1", 50_000), undefined],
  ];
  for (const [local, remote, size] of cases) {
    const skip = littleEndian ? false : "the tables are those of a little-endian machine";
    it(
      `finds ${size} for ${local.address} ${local.port} and ${remote.address} ${remote.port}`,
      { skip },
      () => {
        assert.equal(queuesWith(TABLES).queues.sizeOf(local, remote, 0), size);
      },
    );
  }

  it("reads a table again only when it is too old", () => {
    const { state, queues } = queuesWith(TABLES);
    const look = () => queues.sizeOf(at("127.0.0.1", 8080), at("127.0.0.1", 50_000), 100);
    for (let round = 0; round < 10; round++) look();
    state.now = 99;
    look();
    assert.equal(state.reads, 1);
    state.now = 100;
    look();
    assert.equal(state.reads, 2);
  });

  it("reads no more often than 20 times the time that it takes", () => {
    const { state, queues } = queuesWith(TABLES);
    state.readingTime = 10;
    const look = () => queues.sizeOf(at("127.0.0.1", 8080), at("127.0.0.1", 50_000), 0);
    look();
    state.now = 199;
    look();
    assert.equal(state.reads, 1);
    state.now = 200;
    look();
    assert.equal(state.reads, 2);
  });

  it("knows nothing of Unix sockets, of peers without an address, and without tables", () => {
    const { queues, state } = queuesWith({});
    const unix = { kind: "unix", path: "" } as const;
    assert.equal(queues.sizeOf(unix, unix, 0), undefined);
    assert.equal(queues.sizeOf(at("127.0.0.1", 1), undefined, 0), undefined);
    assert.equal(state.reads, 0);
    assert.equal(queues.sizeOf(at("127.0.0.1", 8080), at("127.0.0.1", 50_000), 0), undefined);
  });

  const cleanup = cleanups();
  const skip = platform === "linux" ? false : "only Linux has these tables";
  it(
    "tells of a real connection that its peer does not read, and that reading makes it less",
    { skip },
    async () => {
      const { connection, sock, peer } = await connectedToSocket(cleanup);
      const local = at("127.0.0.1", sock.localPort!);
      const remote = at("127.0.0.1", sock.remotePort!);
      // One that remembers nothing.
      const look = () =>
        new SendQueues(
          (file) => readFileSync(file, "latin1"),
          () => 0,
        ).sizeOf(local, remote, 0)!;
      assert.equal(systemSendQueues.sizeOf(local, remote, 0), 0);
      connection.writer.write(Buffer.alloc(16 * 1_048_576));
      await turns(10);
      const full = look();
      assert.ok(full > 0);
      connection.writer.transport.pauseReading();
      let least = full;
      while (least >= full) {
        peer.read();
        await turns(1);
        least = Math.min(least, look());
      }
    },
  );
});
