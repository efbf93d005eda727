/** Whether a server is who its client asked for. */
import { isIP } from "node:net";
import { checkServerIdentity, type ConnectionOptions, type PeerCertificate } from "node:tls";
import { toError } from "../../errors.js";
import type { TlsOptions } from "../../transport/tls.js";
import { url } from "../node/builtins.js";
import { resumable } from "./session.js";

/**
 * `options` for node:tls to ask for `name`, and to accept nobody else. An address is verified as such and not sent; no name
 * at all must not fall back to one of node:tls.
 */
export function expecting(options: TlsOptions, name: string): ConnectionOptions {
  const host = toAscii(name);
  const { checkServerIdentity: check = host === "" ? () => undefined : checkName, session } = options;
  // Thrown, the error would end the process.
  const checkIdentity = (certificate: PeerCertificate) => {
    try {
      return check(host, certificate);
    } catch (error) {
      return toError(error);
    }
  };
  return {
    ...options,
    host,
    servername: isIP(host) === 0 ? host : "",
    checkServerIdentity: (_, certificate) => checkIdentity(certificate),
    session: resumable(session, (certificate) => checkIdentity(certificate) === undefined),
  };
}

/** Names go over the wire, and stand in certificates, in their ASCII form. */
function toAscii(name: string): string {
  return /[^\0-\x7f]/.test(name) ? url().domainToASCII(name) || name : name;
}

/** As node:tls, and as asyncio: a wildcard stands for a whole label, never for a part of one. */
function checkName(name: string, certificate: PeerCertificate): Error | undefined {
  return (
    checkServerIdentity(name, certificate) ?? checkServerIdentity(name, withoutPartialWildcards(certificate))
  );
}

const PARTIAL_WILDCARD = /^(?:[^.*]+\*|\*[^.*])/;

/** Such names become ones that no host has, and the message says why. */
function withoutPartialWildcards(certificate: PeerCertificate): PeerCertificate {
  const spoil = (name: string) => (PARTIAL_WILDCARD.test(name) ? `${name} (not a whole label)` : name);
  const { subject, subjectaltname } = certificate;
  const { CN } = subject as { CN?: string | string[] };
  return {
    ...certificate,
    ...(CN !== undefined && { subject: { ...subject, CN: [CN].flat().map(spoil) as never } }),
    ...(subjectaltname !== undefined && {
      subjectaltname: subjectaltname.replace(/(?<=\bDNS:)[^\s",]+/g, spoil),
    }),
  };
}
