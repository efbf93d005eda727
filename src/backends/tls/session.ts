/**
 * Sessions that a client hands in to be taken up again. In such a handshake the server shows no certificate, and node:tls
 * checks no name: but the session holds the certificate of the handshake that it comes from.
 */
import type { PeerCertificate } from "node:tls";
import { crypto } from "../node/builtins.js";

/** `session` if `isExpected` says so of its server's certificate; else nothing, and the whole handshake takes place. */
export function resumable(
  session: Buffer | undefined,
  isExpected: (certificate: PeerCertificate) => boolean,
): Buffer | undefined {
  // What is none at all, node:tls refuses.
  if (!Buffer.isBuffer(session)) return session;
  const certificate = certificateOf(session);
  return certificate !== undefined && isExpected(certificate) ? session : undefined;
}

/** Context tag 3 of the sequence that OpenSSL and BoringSSL write a session as. */
const PEER_TAG = 0xa3;

function certificateOf(session: Buffer): PeerCertificate | undefined {
  try {
    const peer = elements(elements(withoutMark(session))[0]!.content).find(({ tag }) => tag === PEER_TAG);
    return peer && new (crypto().X509Certificate)(peer.content).toLegacyObject();
  } catch {
    // It is no session that anybody could take up.
    return undefined;
  }
}

const SEQUENCE_TAG = 0x30;

/** Newer versions of Node.js put in front of it: a mark between two zeros, the length of a name in two bytes, the name. */
function withoutMark(session: Buffer): Buffer {
  if (session[0] === SEQUENCE_TAG) return session;
  const name = session.indexOf(0, 1) + 3;
  return session.subarray(name + session.readUInt16BE(name - 2));
}

interface Element {
  readonly tag: number;
  readonly content: Buffer;
}

/** The elements of DER that `bytes` consist of. @throws RangeError if they end within one */
function elements(bytes: Buffer): Element[] {
  const found: Element[] = [];
  for (let start = 0; start < bytes.length;) {
    const tag = bytes.readUInt8(start);
    const first = bytes.readUInt8(start + 1);
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    const length = lengthBytes === 0 ? first : bytes.readUIntBE(start + 2, lengthBytes);
    const content = start + 2 + lengthBytes;
    found.push({ tag, content: bytes.subarray(content, content + length) });
    start = content + length;
  }
  return found;
}
