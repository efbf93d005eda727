/** Certificates for both sides, as files that CPython reads, and as what node:tls takes. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeAuthority, makeSelfSigned, type Identity } from "../../support/certificates.js";

/** Of the authority for localhost, for another name, and of nobody. */
export type CertificateName = "right" | "wrongName" | "untrusted";

export interface Certificates {
  readonly ca: string;
  readonly identities: Readonly<Record<CertificateName, Identity>>;
}

export async function makeCertificates(folder: string): Promise<Certificates> {
  const authority = makeAuthority();
  const identities = {
    right: authority.issue(),
    wrongName: authority.issue({ hosts: ["elsewhere.example"], addresses: [] }),
    untrusted: makeSelfSigned(),
  };
  await writeFile(join(folder, "ca.pem"), authority.cert);
  for (const [name, { cert, key }] of Object.entries(identities)) {
    await writeFile(join(folder, `${name}.pem`), cert);
    await writeFile(join(folder, `${name}.key`), key);
  }
  return { ca: authority.cert, identities };
}
