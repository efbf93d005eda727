import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { noIpv6 } from "../support/addresses.js";
import { cleanups } from "../support/cleanup.js";
import { runProgram } from "../support/processes.js";

describe("The example http-headers", () => {
  const cleanup = cleanups();

  /** A server that answers one request, and what it was sent. */
  async function serveOnce(host: string, answer: string) {
    const requests: string[] = [];
    const server = createServer((socket) => {
      socket.setEncoding("latin1").on("data", (text: string) => {
        requests.push(text);
        if (text.endsWith("\r\n\r\n")) socket.end(answer, "latin1");
      });
    }).listen(0, host);
    cleanup(() => server.close());
    await once(server, "listening");
    return { port: (server.address() as AddressInfo).port, requests };
  }

  it("asks for the headers alone, and prints each", async () => {
    const answer = "HTTP/1.0 200 OK\r\nServer: test  \r\nX-Name: caf\xe9\r\n\r\n";
    const { port, requests } = await serveOnce("127.0.0.1", answer);
    const url = `http://127.0.0.1:${port}/path/page.html`;
    const program = runProgram(cleanup, "examples/http-headers.js", [url]);
    assert.deepEqual(await program.finish(), {
      lines: ["HTTP header> HTTP/1.0 200 OK", "HTTP header> Server: test", "HTTP header> X-Name: café"],
      errors: "",
      status: 0,
    });
    assert.equal(requests.join(""), "HEAD /path/page.html HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");
  });

  it("asks for / when the URL has no path, also at an IPv6 address", { skip: noIpv6 }, async () => {
    const { port, requests } = await serveOnce("::1", "HTTP/1.0 404 Not Found");
    const program = runProgram(cleanup, "examples/http-headers.js", [`http://[::1]:${port}`]);
    assert.deepEqual((await program.finish()).lines, ["HTTP header> HTTP/1.0 404 Not Found"]);
    assert.equal(requests.join(""), "HEAD / HTTP/1.0\r\nHost: [::1]\r\n\r\n");
  });

  it("says how to use it when it has no URL", async () => {
    const program = runProgram(cleanup, "examples/http-headers.js");
    assert.deepEqual(await program.finish(), { lines: [], errors: "usage: http-headers URL\n", status: 2 });
  });
});
