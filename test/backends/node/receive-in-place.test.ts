import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { describe, it } from "node:test";
import { openConnection, startServer } from "asyncio-streams";
import { InPlaceReceiver } from "#src/backends/node/receive-in-place.js";
import { patternBytes } from "../../support/bytes.js";
import { cleanups } from "../../support/cleanup.js";
import { portOf } from "../../support/addresses.js";

const cleanup = cleanups();
const isNode = process.versions["bun"] === undefined && process.versions["deno"] === undefined;

async function socketPair(): Promise<[Socket, Socket]> {
  const server = createServer({ pauseOnConnect: true });
  cleanup(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const near = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [far] = await accepted;
  cleanup(() => near.destroy());
  cleanup(() => far.destroy());
  return [near, far];
}

/** What comes, by which way, as text, until there is `size` of it. */
async function received(socket: Socket, size: number): Promise<{ inPlace: string; asData: string }> {
  const got = { inPlace: "", asData: "" };
  await new Promise<void>((resolve) => {
    const add = (way: "inPlace" | "asData") => (bytes: Buffer) => {
      got[way] += bytes.toString();
      if (got.inPlace.length + got.asData.length === size) resolve();
      return true;
    };
    new InPlaceReceiver(add("inPlace")).begin(socket);
    socket.on("data", add("asData"));
    socket.resume();
  });
  return got;
}

describe("InPlaceReceiver", () => {
  it("gives what arrives where the runtime can, and leaves it to 'data' elsewhere", async () => {
    const [near, far] = await socketPair();
    near.write("hello");
    const { inPlace, asData } = await received(far, 5);
    assert.equal(inPlace, isNode ? "hello" : "");
    assert.equal(asData, isNode ? "" : "hello");
  });

  it("does not overtake what was buffered before", async () => {
    const [near, far] = await socketPair();
    far.unshift(Buffer.from("first"));
    near.write(" second");
    assert.deepEqual(await received(far, 12), { inPlace: "", asData: "first second" });
  });

  it("end() gives what arrives back to 'data'", async () => {
    const [near, far] = await socketPair();
    const bytes: string[] = [];
    const receiver = new InPlaceReceiver((first) => {
      bytes.push(`in place ${first.toString()}`);
      receiver.end(far);
      near.write("two");
      return true;
    });
    receiver.begin(far);
    near.write("one");
    await new Promise<void>((resolve) => {
      far.on("data", (chunk: Buffer) => {
        bytes.push(chunk.toString());
        if (chunk.toString() === "two") resolve();
        else if (!isNode) near.write("two");
      });
      far.resume();
    });
    assert.deepEqual(bytes, isNode ? ["in place one", "two"] : ["one", "two"]);
  });

  it("separate() lets what is received be kept, from the second read on; other memory is used again", async () => {
    for (const isKept of [true, false]) {
      const [near, far] = await socketPair();
      const received: Buffer[] = [];
      const hasKeep: boolean[] = [];
      const receiver: InPlaceReceiver = new InPlaceReceiver((bytes) => {
        const keep = own!.keepFor(bytes);
        if (isKept) keep?.();
        hasKeep.push(keep !== undefined);
        received.push(bytes);
        if (received.length < 5) near.write(String(received.length));
        else near.end();
        return true;
      });
      receiver.begin(far);
      const own = receiver.separate(far);
      if (!isNode) {
        assert.equal(own, undefined);
        return;
      }
      near.write("0");
      await once(far.resume(), "end");
      assert.deepEqual(hasKeep, [false, true, true, true, true]);
      assert.equal(new Set(received.map(({ buffer }) => buffer)).size, isKept ? 5 : 2);
      assert.equal(Buffer.concat(received).toString(), isKept ? "01234" : "04444");
    }
  });

  it("separate() does nothing for a socket that receives otherwise", async () => {
    const [, far] = await socketPair();
    assert.equal(new InPlaceReceiver(() => true).separate(far), undefined);
  });

  it("leaves a socket alone whose owner receives into memory of his own", async () => {
    const server = createServer((socket) => socket.end("hello"));
    cleanup(() => server.close());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    let own = "";
    const socket = connect({
      port: (server.address() as AddressInfo).port,
      host: "127.0.0.1",
      onread: {
        buffer: Buffer.alloc(100),
        callback: (size, bytes) => {
          own += Buffer.from(bytes.subarray(0, size)).toString();
          return true;
        },
      },
    });
    await once(socket, "connect");
    new InPlaceReceiver(() => assert.fail("taken away from its owner")).begin(socket);
    await once(socket.resume(), "end");
    assert.equal(own, "hello");
  });
});

describe("connections that share the memory they receive into", () => {
  it("mix nothing up, also chunks that are kept", async () => {
    const COUNT = 20;
    const SIZE = 300_000;
    const server = await startServer(
      async (reader, writer) => {
        for await (const chunk of reader.chunks()) {
          writer.write(chunk);
          await writer.drain();
        }
      },
      "127.0.0.1",
      0,
    );
    cleanup(() => server.shutdown({ grace: 0 }));
    const talk = async (seed: number) => {
      const [reader, writer] = await openConnection("127.0.0.1", portOf(server));
      const sent = patternBytes(SIZE, seed);
      const kept: Buffer[] = [];
      const reading = (async () => {
        for await (const chunk of reader.chunks()) kept.push(chunk);
      })();
      for (let at = 0; at < SIZE; at += 10_000) {
        writer.write(sent.subarray(at, at + 10_000));
        await writer.drain();
      }
      writer.writeEof();
      await reading;
      assert.ok(Buffer.concat(kept).equals(sent), `connection ${seed}`);
      writer.close();
      await writer.waitClosed();
    };
    await Promise.all(Array.from({ length: COUNT }, (_, seed) => talk(seed)));
  });
});
