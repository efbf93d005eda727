/** Scripts of TLS connections, whose other end is CPython's ssl on a bare socket. */
import { packageRoot } from "../../support/package-root.js";
import type { Kind } from "../kind.js";
import { makeFolder, removeFolder } from "../peer/folder.js";
import { Peers } from "../peer/peers.js";
import { makeCertificates, type Certificates } from "./certificates.js";
import { carryOutTls } from "./ours.js";
import { reconcile } from "./reconcile.js";
import type { Script } from "./script.js";
import { tlsScripts } from "./scripts.js";

const peers = new Peers();
let certificates: Certificates | undefined;

export const tlsKind: Kind<Script> = {
  name: "tls",
  scripts: tlsScripts,
  program: `${packageRoot}/test/fuzz/tls/theirs.py`,
  run: (script) => peers.with("tcp", (connected) => carryOutTls(script, connected, certificates!)),
  reconcile,
  concurrency: 4,
  show: (script) => `it("does as asyncio does", () => assertSame(tlsKind, ${JSON.stringify(script)}));`,
  async open() {
    certificates = await makeCertificates(await makeFolder());
  },
  async close() {
    await peers.close();
    await removeFolder();
  },
};
