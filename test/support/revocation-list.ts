/** Lists of revoked certificates (RFC 5280, section 5), which node-forge does not make. */
import { sign, type KeyObject } from "node:crypto";
import forge from "node-forge";
import type { Identity } from "./certificates.js";

const { asn1 } = forge;
const { Class, Type } = asn1;

/** SHA-256 with RSA. */
const ALGORITHM = "1.2.840.113549.1.1.11";
const DAY = 86_400_000;

/** Who signs the list. */
export interface ListIssuer {
  readonly certificate: forge.pki.Certificate;
  readonly key: KeyObject;
}

/** In PEM. The list is good from the day before yesterday until `validDays` from now. */
export function makeRevocationList(
  { certificate, key }: ListIssuer,
  revoked: readonly Identity[],
  validDays = 1,
): string {
  const serials = revoked.map(({ cert }) => forge.pki.certificateFromPem(cert).serialNumber);
  const list = sequence(
    value(Type.INTEGER, asn1.integerToDer(1).getBytes()),
    algorithm(),
    forge.pki.distinguishedNameToAsn1(certificate.subject),
    day(-2),
    day(validDays),
    ...(serials.length === 0 ? [] : [sequence(...serials.map(entry))]),
  );
  const bytes = Buffer.from(asn1.toDer(list).getBytes(), "latin1");
  const signature = value(Type.BITSTRING, `\0${sign("sha256", bytes, key).toString("latin1")}`);
  const der = asn1.toDer(sequence(list, algorithm(), signature)).getBytes();
  return forge.pem.encode({ type: "X509 CRL", body: der });
}

const entry = (serial: string) => sequence(value(Type.INTEGER, forge.util.hexToBytes(serial)), day(-2));

const algorithm = () => sequence(value(Type.OID, asn1.oidToDer(ALGORITHM).getBytes()), value(Type.NULL, ""));

const day = (days: number) => value(Type.UTCTIME, asn1.dateToUtcTime(new Date(Date.now() + days * DAY)));

function value(type: forge.asn1.Type, bytes: string): forge.asn1.Asn1 {
  return asn1.create(Class.UNIVERSAL, type, false, bytes);
}

function sequence(...members: forge.asn1.Asn1[]): forge.asn1.Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, members);
}
