import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { createTransport } from "nodemailer";
import { makeAuthority } from "../support/certificates.js";
import { cleanups } from "../support/cleanup.js";
import { temporaryFolder } from "../support/folders.js";
import { runProgram, type Program } from "../support/processes.js";

const authority = makeAuthority();
const identity = authority.issue();
const trusting = { ca: authority.cert };

const MAIL = { envelope: { from: "ada@example.test", to: ["grace@example.test", "radia@example.test"] } };
const DELIVERED = "Mail from <ada@example.test> to <grace@example.test>, <radia@example.test>:";

describe("The example smtp-server and nodemailer", () => {
  const cleanup = cleanups();

  async function serve(): Promise<{ program: Program; port: number }> {
    const folder = await temporaryFolder(cleanup);
    const files = [`${folder}/cert.pem`, `${folder}/key.pem`] as const;
    await Promise.all([writeFile(files[0], identity.cert), writeFile(files[1], identity.key)]);
    const program = runProgram(cleanup, "examples/smtp-server.js", ["127.0.0.1", "0", ...files]);
    return { program, port: Number(/,(\d+)\]$/.exec((await program.nextLine()) ?? "")?.[1]) };
  }

  function connect(
    port: number,
    options: { requireTLS?: boolean; ignoreTLS?: boolean; tls?: object; pool?: boolean },
  ) {
    const { pool = false, ...rest } = options;
    const client = createTransport({
      host: "127.0.0.1",
      port,
      name: "client.test",
      ...rest,
      ...(pool ? { pool: true as const, maxConnections: 1 } : {}),
    });
    cleanup(() => client.close());
    return client;
  }

  /** All that it has printed. */
  async function printed(program: Program): Promise<readonly string[]> {
    program.child.kill();
    return (await program.finish()).lines;
  }

  for (const [how, options, version] of [
    ["in the clear", { ignoreTLS: true }, undefined],
    ["over STARTTLS, which it insists on", { requireTLS: true, tls: trusting }, /^TLS: TLSv1\.3, /],
    ["over STARTTLS, because it is offered", { tls: trusting }, /^TLS: TLSv1\.3, /],
    ["over TLS 1.2", { requireTLS: true, tls: { ...trusting, maxVersion: "TLSv1.2" } }, /^TLS: TLSv1\.2, /],
  ] as const) {
    it(`pass a mail ${how}`, async () => {
      const { program, port } = await serve();
      const raw = "Subject: dots\r\n\r\n.\r\n..two\r\n.three\r\ngröße\r\n";
      const { accepted, response } = await connect(port, options).sendMail({ ...MAIL, raw });
      assert.deepEqual([accepted, response], [MAIL.envelope.to, "250 Taken"]);
      const lines = [...(await printed(program))];
      if (version !== undefined) assert.match(lines.shift()!, version);
      assert.deepEqual(lines, [
        DELIVERED,
        ...["Subject: dots", "", ".", "..two", ".three", "größe"].map((line) => `| ${line}`),
      ]);
    });
  }

  it("pass several mails over one connection that was upgraded once", async () => {
    const { program, port } = await serve();
    const client = connect(port, { requireTLS: true, tls: trusting, pool: true });
    await Promise.all([1, 2, 3].map((number) => client.sendMail({ ...MAIL, text: `mail ${number}` })));
    const lines = await printed(program);
    assert.equal(lines.filter((line) => line.startsWith("TLS: ")).length, 1);
    assert.deepEqual(
      lines.filter((line) => /^(Mail|\| mail) /.test(line)),
      [DELIVERED, "| mail 1", DELIVERED, "| mail 2", DELIVERED, "| mail 3"],
    );
  });

  it("part when the client does not trust the certificate, and no mail is passed", async () => {
    const { program, port } = await serve();
    await assert.rejects(connect(port, { requireTLS: true }).sendMail({ ...MAIL, text: "secret" }), {
      message: /certificate/,
    });
    assert.ok(!(await printed(program)).some((line) => line.startsWith("Mail from ")));
  });

  it("the client hears why a mail is not taken", async () => {
    const { port } = await serve();
    const client = connect(port, { requireTLS: true, tls: trusting });
    const tooLarge = client.sendMail({ ...MAIL, text: "x".repeat(1_100_000) });
    await assert.rejects(tooLarge, { responseCode: 552, response: "552 Too much mail" });
  });
});
