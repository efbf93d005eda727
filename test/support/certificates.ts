/** Certificates for the tests, made when they run: authorities, what they sign, and what must not be trusted. */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign as signBytes,
  type KeyObject,
} from "node:crypto";
import forge from "node-forge";
import { makeRevocationList } from "./revocation-list.js";

/** A certificate and its key, in PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateOptions {
  readonly commonName?: string;
  /** DNS names it is for. Default: localhost. With neither these nor addresses it has no list of names at all. */
  readonly hosts?: readonly string[];
  /** Addresses it is for. Default: 127.0.0.1 and ::1. */
  readonly addresses?: readonly string[];
  /** Days from now. Default: from yesterday to tomorrow. */
  readonly validDays?: readonly [from: number, to: number];
  /** What its key may be used for. Default: both. */
  readonly usages?: readonly ("serverAuth" | "clientAuth")[];
  /** Its key, in PEM. Default: a new one, which takes far longer to make than the certificate. */
  readonly key?: string;
  /** The size of a new key. Default: 2048. */
  readonly keyBits?: number;
  /** What is hashed with for its signature. Default: sha256. */
  readonly digest?: "sha1" | "sha256";
}

interface AuthorityOptions {
  readonly commonName?: string;
  /** Its key, in PEM. Default: a new one. */
  readonly key?: string | undefined;
  /** Whether its certificate says that it is an authority. Default: true. */
  readonly isAuthority?: boolean;
  /** Whether its key may sign certificates. Default: true. */
  readonly maySign?: boolean;
  /** How many authorities may stand between it and what it vouches for. Default: any number. */
  readonly pathLength?: number;
}

/** A certificate authority. */
export interface Authority {
  readonly cert: string;
  /** What an authority below another one issues comes with that authority's certificate. */
  issue(options?: CertificateOptions): Identity;
  issueAuthority(options?: AuthorityOptions): Authority;
  /** A list of revoked certificates, in PEM. It is good from yesterday until `validDays` from now, by default 1. */
  revoke(identities: readonly Identity[], validDays?: number): string;
}

export function makeAuthority(commonName = "Test Authority", key?: string): Authority {
  return authority({ commonName, key });
}

/** Without `parent` it vouches for itself. */
function authority(
  options: AuthorityOptions,
  parent?: { key: KeyObject; certificate: forge.pki.Certificate },
): Authority {
  const { commonName = "Lower Authority", isAuthority: cA = true, maySign = true, pathLength } = options;
  const key = keyOf(options);
  const ca = makeCertificate(key, { commonName });
  ca.setExtensions([
    {
      name: "basicConstraints",
      cA,
      critical: true,
      ...(pathLength !== undefined && { pathLenConstraint: pathLength }),
    },
    { name: "keyUsage", digitalSignature: true, keyCertSign: maySign, cRLSign: true, critical: true },
    { name: "subjectKeyIdentifier" },
    ...(parent === undefined ? [] : [authorityKey(parent.certificate)]),
  ]);
  const cert = sign(ca, parent?.certificate ?? ca, parent?.key ?? key);
  return {
    cert,
    issue(options = {}) {
      const own = keyOf(options);
      const certificate = makeCertificate(own, options);
      certificate.setExtensions([...endEntityExtensions(options), authorityKey(ca)]);
      const signed = sign(certificate, ca, key, options.digest);
      return { cert: parent === undefined ? signed : signed + cert, key: toPem(own) };
    },
    issueAuthority: (options = {}) => authority(options, { key, certificate: ca }),
    revoke: (identities, validDays) => makeRevocationList({ certificate: ca, key }, identities, validDays),
  };
}

/** A certificate that only vouches for itself. */
export function makeSelfSigned(options: CertificateOptions = {}): Identity {
  const key = keyOf(options);
  const certificate = makeCertificate(key, options);
  certificate.setExtensions(endEntityExtensions(options));
  return { cert: sign(certificate, certificate, key), key: toPem(key) };
}

/** A certificate in the name of an authority that has not signed it, of this version of X.509. */
export function makeForged(authority: Authority, version: 1 | 3): Identity {
  const key = makeKey();
  const certificate = makeCertificate(key, {});
  certificate.version = version - 1;
  if (version === 3) certificate.setExtensions(endEntityExtensions({}));
  return {
    cert: sign(certificate, forge.pki.certificateFromPem(authority.cert), key),
    key: toPem(key),
  };
}

function makeCertificate(
  key: KeyObject,
  { commonName = "localhost", validDays: [from, to] = [-1, 1] }: CertificateOptions,
): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate();
  const publicKey = createPublicKey(key).export({ type: "spki", format: "pem" });
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey.toString());
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
    ...(altNames.length > 0 ? [{ name: "subjectAltName", altNames }] : []),
  ];
}

/** Names the key of the issuer. CPython demands it. */
function authorityKey(issuer: forge.pki.Certificate): object {
  return {
    name: "authorityKeyIdentifier",
    keyIdentifier: issuer.generateSubjectKeyIdentifier().getBytes(),
  };
}

function sign(
  certificate: forge.pki.Certificate,
  issuer: forge.pki.Certificate,
  key: KeyObject,
  digest: CertificateOptions["digest"] = "sha256",
): string {
  certificate.setIssuer(issuer.subject.attributes);
  // node-forge's own arithmetic takes ten times as long.
  const signer = {
    sign() {
      const bytes = forge.asn1.toDer(certificate.tbsCertificate).getBytes();
      return signBytes(digest, Buffer.from(bytes, "latin1"), key).toString("latin1");
    },
  };
  certificate.sign(signer as unknown as forge.pki.rsa.PrivateKey, forge.md[digest].create());
  return forge.pki.certificateToPem(certificate);
}

function keyOf({ key, keyBits }: { key?: string | undefined; keyBits?: number }): KeyObject {
  return key === undefined ? makeKey(keyBits) : createPrivateKey(key);
}

function makeKey(modulusLength = 2048): KeyObject {
  return generateKeyPairSync("rsa", { modulusLength }).privateKey;
}

function toPem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}
