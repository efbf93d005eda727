/** Certificates for the tests, made when they run: an authority, what it signs, and what must not be trusted. */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import forge from "node-forge";

/** A certificate and its key, in PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateOptions {
  readonly commonName?: string;
  /** DNS names it is for. Default: localhost. */
  readonly hosts?: readonly string[];
  /** Addresses it is for. Default: 127.0.0.1 and ::1. */
  readonly addresses?: readonly string[];
  /** Days from now. Default: from yesterday to tomorrow. */
  readonly validDays?: readonly [from: number, to: number];
  /** What its key may be used for. Default: both. */
  readonly usages?: readonly ("serverAuth" | "clientAuth")[];
}

/** A certificate authority. */
export interface Authority {
  readonly cert: string;
  issue(options?: CertificateOptions): Identity;
}

export function makeAuthority(commonName = "Test Authority"): Authority {
  const key = makeKey();
  const ca = makeCertificate(key, { commonName });
  ca.setExtensions([
    { name: "basicConstraints", cA: true, critical: true },
    { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    { name: "subjectKeyIdentifier" },
  ]);
  // CPython demands it.
  const authorityKey = {
    name: "authorityKeyIdentifier",
    keyIdentifier: ca.generateSubjectKeyIdentifier().getBytes(),
  };
  return {
    cert: sign(ca, ca, key),
    issue(options = {}) {
      const own = makeKey();
      const certificate = makeCertificate(own, options);
      certificate.setExtensions([...endEntityExtensions(options), authorityKey]);
      return { cert: sign(certificate, ca, key), key: forge.pki.privateKeyToPem(own) };
    },
  };
}

/** A certificate that only vouches for itself. */
export function makeSelfSigned(options: CertificateOptions = {}): Identity {
  const key = makeKey();
  const certificate = makeCertificate(key, options);
  certificate.setExtensions(endEntityExtensions(options));
  return { cert: sign(certificate, certificate, key), key: forge.pki.privateKeyToPem(key) };
}

/** A certificate in the name of an authority that has not signed it, of this version of X.509. */
export function makeForged(authority: Authority, version: 1 | 3): Identity {
  const key = makeKey();
  const certificate = makeCertificate(key, {});
  certificate.version = version - 1;
  if (version === 3) certificate.setExtensions(endEntityExtensions({}));
  return {
    cert: sign(certificate, forge.pki.certificateFromPem(authority.cert), key),
    key: forge.pki.privateKeyToPem(key),
  };
}

function makeCertificate(
  key: forge.pki.rsa.PrivateKey,
  { commonName = "localhost", validDays: [from, to] = [-1, 1] }: CertificateOptions,
): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.setRsaPublicKey(key.n, key.e);
  certificate.serialNumber = `01${randomBytes(8).toString("hex")}`;
  certificate.validity.notBefore = new Date(Date.now() + from * 86_400_000);
  certificate.validity.notAfter = new Date(Date.now() + to * 86_400_000);
  certificate.setSubject([{ name: "commonName", value: commonName }]);
  return certificate;
}

function endEntityExtensions({
  hosts = ["localhost"],
  addresses = ["127.0.0.1", "::1"],
  usages = ["serverAuth", "clientAuth"],
}: CertificateOptions): object[] {
  const altNames = [
    ...hosts.map((value) => ({ type: 2, value })),
    ...addresses.map((ip) => ({ type: 7, ip })),
  ];
  return [
    { name: "keyUsage", digitalSignature: true, keyEncipherment: true, critical: true },
    { name: "extKeyUsage", ...Object.fromEntries(usages.map((usage) => [usage, true])) },
    { name: "subjectAltName", altNames },
  ];
}

function sign(
  certificate: forge.pki.Certificate,
  issuer: forge.pki.Certificate,
  key: forge.pki.rsa.PrivateKey,
): string {
  certificate.setIssuer(issuer.subject.attributes);
  certificate.sign(key, forge.md.sha256.create());
  return forge.pki.certificateToPem(certificate);
}

function makeKey(): forge.pki.rsa.PrivateKey {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" });
  return forge.pki.privateKeyFromPem(pem.toString());
}
