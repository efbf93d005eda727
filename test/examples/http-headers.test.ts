import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import { noIpv6 } from "../support/addresses.js";
import { makeAuthority, type Identity } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";
import { temporaryFolder } from "../support/folders.js";
import { runProgram } from "../support/processes.js";

describe("The example http-headers", () => {
  const cleanup = cleanups();

  /** A server that answers one request, and what it was sent. With an identity it speaks TLS. */
  async function serveOnce(host: string, answer: string, identity?: Identity) {
    const requests: string[] = [];
    const onConnection = (socket: Socket) => {
      socket.on("error", () => {});
      socket.setEncoding("latin1").on("data", (text: string) => {
        requests.push(text);
        if (text.endsWith("\r\n\r\n")) socket.end(answer, "latin1");
      });
    };
    const server = identity ? createTlsServer(identity, onConnection) : createServer(onConnection);
    server.listen(0, host);
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

  it("does the same over https, with authorities that it is told to trust", async () => {
    const authority = makeAuthority();
    const trusted = join(await temporaryFolder(cleanup), "ca.pem");
    await writeFile(trusted, authority.cert);
    const answer = "HTTP/1.0 200 OK\r\nServer: test\r\n\r\n";
    const { port, requests } = await serveOnce("127.0.0.1", answer, authority.issue());
    const run = (host: string, variables: Record<string, string>) =>
      runProgram(cleanup, "examples/http-headers.js", [`https://${host}:${port}/`], { variables }).finish();
    for (const host of ["127.0.0.1", "localhost"]) {
      assert.deepEqual(await run(host, { NODE_EXTRA_CA_CERTS: trusted }), {
        lines: ["HTTP header> HTTP/1.0 200 OK", "HTTP header> Server: test"],
        errors: "",
        status: 0,
      });
      assert.equal(requests.splice(0).join(""), `HEAD / HTTP/1.0\r\nHost: ${host}\r\n\r\n`);
    }
    const { lines, errors, status } = await run("127.0.0.1", {});
    assert.deepEqual([lines, requests, status], [[], [], 1]);
    assert.match(errors, /CertificateError: [^]*code: ['"]UNABLE_TO_VERIFY_LEAF_SIGNATURE['"]/);
  });

  it("says how to use it when it has no URL", async () => {
    const program = runProgram(cleanup, "examples/http-headers.js");
    assert.deepEqual(await program.finish(), { lines: [], errors: "usage: http-headers URL\n", status: 2 });
  });
});
