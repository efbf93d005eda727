/** Certificates for both sides, as files that CPython reads, and as what node:tls takes. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import { makeAuthority, makeSelfSigned, type Identity } from "../../support/certificates.js";

/** Of the authority for localhost, for another name, and of nobody. */
export type CertificateName = "right" | "wrongName" | "untrusted";

export interface Certificates {
  readonly ca: string;
  readonly identities: Readonly<Record<CertificateName, Identity>>;
  remove(): Promise<void>;
}

/** Programs that start from now on find the folder in their environment. */
export async function makeCertificates(): Promise<Certificates> {
  const authority = makeAuthority();
  const identities = {
    right: authority.issue(),
    wrongName: authority.issue({ hosts: ["elsewhere.example"], addresses: [] }),
    untrusted: makeSelfSigned(),
  };
  const folder = await mkdtemp(join(tmpdir(), "fuzz-tls-"));
  await writeFile(join(folder, "ca.pem"), authority.cert);
  for (const [name, { cert, key }] of Object.entries(identities)) {
    await writeFile(join(folder, `${name}.pem`), cert);
    await writeFile(join(folder, `${name}.key`), key);
  }
  env["FUZZ_CERTIFICATES"] = folder;
  const remove = async () => {
    delete env["FUZZ_CERTIFICATES"];
    await rm(folder, { recursive: true });
  };
  return { ca: authority.cert, identities, remove };
}
