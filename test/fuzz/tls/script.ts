/** A script of a TLS connection: how it is opened, and what both ends do then. */
import type { CertificateName } from "./certificates.js";
import type { OwnOperation, Operation as PlainOperation } from "../writer/script.js";

export type Side = "client" | "server";
export type Version = "TLSv1.2" | "TLSv1.3";

/** What our end is told. Times in ms. */
export interface TlsGiven {
  readonly version: Version;
  readonly certificate: CertificateName | null;
  /** Whether the peer's certificate is asked for and looked at. */
  readonly verifies: boolean;
  readonly handshakeTimeout: number;
  /** … for asyncio, where it alone waits in vain. */
  readonly theirHandshakeTimeout?: number;
  readonly shutdownTimeout: number;
}

/** Names of docs/differences.md. */
export type Difference =
  | "bytes-before-tls"
  | "refused-handshake"
  | "failed-start-tls"
  | "tls-first-write"
  | "truncation-answer"
  | "data-after-close"
  | "readable-after-reset";

/** How our end begins. */
type Beginning =
  | { readonly op: "open" }
  | { readonly op: "openTls"; readonly handle: number; readonly tls: TlsGiven }
  | { readonly op: "startTls"; readonly handle: number; readonly tls: TlsGiven }
  | { readonly op: "startTlsWrong"; readonly handle: number };

/** What our end does. */
export type OwnTlsOperation = OwnOperation | Beginning;

export type Operation =
  | PlainOperation
  | Beginning
  | {
      readonly op: "peerTls";
      readonly side: Side;
      readonly version: Version;
      readonly certificate: CertificateName | null;
      readonly verifies: boolean;
    }
  | { readonly op: "peerHello" | "peerHandshake" | "peerTlsReadEnd" | "peerNotify" }
  | { readonly op: "peerTlsWrite" | "peerTlsRead"; readonly n: number };

export type Step = Operation & { readonly differs?: Difference };

export interface Script {
  readonly side: Side;
  /** Which engine this library uses; asyncio has but one. */
  readonly truncation: "ignore" | "report";
  readonly steps: readonly Step[];
}
