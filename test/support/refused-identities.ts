/** Who must not be trusted, and why: one row a case, for servers and for clients. */
import { createSecureContext } from "node:tls";
import type { TlsOptions } from "asyncio-streams";
import { makeAuthority, makeSelfSigned, type Authority, type Identity } from "./certificates.js";

interface RefusedIdentity {
  readonly what: string;
  /** What it shows; `undefined` for no certificate. */
  readonly identity: Identity | undefined;
  /** Node.js's code for it. Other runtimes refuse it too, some for another reason. */
  readonly code: string;
  /** The name that it is asked for. Default: localhost. */
  readonly name?: string;
  /** What who asks trusts. */
  readonly trust: TlsOptions;
  /** Why this runtime takes it. */
  readonly skip?: string | false;
}

/** A name that is accepted although others like it are not. */
type AcceptedIdentity = Omit<RefusedIdentity, "code" | "identity"> & { readonly identity: Identity };

export interface Identities {
  readonly authority: Authority;
  readonly good: Identity;
  /** What a server shows that a client must not trust. */
  readonly servers: readonly RefusedIdentity[];
  readonly trustedServers: readonly AcceptedIdentity[];
  /** What a client shows that a server must not trust. */
  readonly clients: readonly RefusedIdentity[];
}

const OTHER_NAME = "ERR_TLS_CERT_ALTNAME_INVALID";

export function makeIdentities(): Identities {
  const authority = makeAuthority();
  const good = authority.issue();
  const { key } = good;
  const otherKey = authority.issue().key;
  const stranger = makeAuthority("Stranger", otherKey);
  const unknown = stranger.issue({ key });
  const namesake = makeAuthority(undefined, otherKey);
  const revoked = authority.issue({ key });
  const trust = { ca: authority.cert };
  const listed = { ...trust, crl: authority.revoke([revoked]) };
  const own = (options: object) => authority.issue({ key, ...options });
  const below = (options: object) => authority.issueAuthority({ key, ...options });

  const weak = [
    ["with a key of 768 bits", authority.issue({ keyBits: 768 }), "EE_KEY_TOO_SMALL"],
    [
      "with a key of 1024 bits",
      authority.issue({ keyBits: 1024 }),
      "EE_KEY_TOO_SMALL",
      { skip: takesWeakKeys(authority) },
    ],
    ["signed with SHA-1", own({ digest: "sha1" }), "CA_MD_TOO_WEAK"],
  ] as const;
  const common = (usages: readonly ("serverAuth" | "clientAuth")[]): readonly RefusedIdentity[] =>
    (
      [
        ["that has expired", own({ validDays: [-3, -1] }), "CERT_HAS_EXPIRED"],
        ["that is not yet valid", own({ validDays: [1, 3] }), "CERT_NOT_YET_VALID"],
        ["that vouches for itself", makeSelfSigned({ key }), "DEPTH_ZERO_SELF_SIGNED_CERT"],
        ["of an unknown authority", unknown, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
        ["of another authority of the same name", namesake.issue({ key }), "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
        [
          "of an unknown authority, behind one below it",
          stranger.issueAuthority({ key }).issue({ key }),
          "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
        ],
        [
          "of an unknown authority that comes with it",
          { ...unknown, cert: unknown.cert + stranger.cert },
          "SELF_SIGNED_CERT_IN_CHAIN",
        ],
        [`for ${usages.join()} only`, own({ usages }), "INVALID_PURPOSE"],
        ["issued by who is no authority", below({ isAuthority: false }).issue({ key }), "INVALID_PURPOSE"],
        [
          "issued with a key that may not sign",
          below({ maySign: false }).issue({ key }),
          "KEYUSAGE_NO_CERTSIGN",
          { skip: isDeno && "Deno does not look at what an authority's key may be used for" },
        ],
        ["that is revoked", revoked, "CERT_REVOKED", { trust: listed, skip: noLists }],
        [
          "when the list of revoked ones is out of date",
          good,
          "CRL_HAS_EXPIRED",
          { trust: { ...trust, crl: authority.revoke([], -1) }, skip: noLists },
        ],
        [
          "when the list of revoked ones is another authority's",
          good,
          "UNABLE_TO_GET_CRL",
          { trust: { ...trust, crl: stranger.revoke([]) }, skip: noLists },
        ],
        [
          "when the list of revoked ones is forged",
          good,
          "CRL_SIGNATURE_FAILURE",
          { trust: { ...trust, crl: namesake.revoke([]) }, skip: noLists },
        ],
        ...(noSecurityLevels ? [] : weak),
      ] as const
    ).map(([what, identity, code, more]) => ({
      what: `a certificate ${what}`,
      identity,
      code,
      trust,
      ...more,
    }));

  const forNames = (name: string, hosts: readonly string[], options: object = {}) => ({
    what: `a certificate for ${hosts.join() || "no DNS name"}, asked for ${name}`,
    identity: own({ hosts, addresses: [], commonName: "not looked at", ...options }),
    name,
    trust,
  });
  const misnamed = [
    forNames("localhost", ["other.test"]),
    forNames("127.0.0.1", ["localhost"]),
    forNames("localhost", [], { addresses: ["127.0.0.1"] }),
    forNames("127.0.0.1", ["127.0.0.1"]),
    forNames("127.0.0.1", [], { commonName: "127.0.0.1" }),
    forNames("127.0.0.1", ["*.0.0.1"]),
    forNames("127.0.0.2", [], { addresses: ["127.0.0.1"] }),
    forNames("example.test", ["*.example.test"]),
    forNames("a.b.example.test", ["*.example.test"]),
    forNames("foo.example.test", ["f*.example.test"]),
    forNames("foo.example.test", ["*o.example.test"]),
    forNames("foo.example.test", ["f*o.example.test"]),
    forNames("foo.example.test", ["**.example.test"]),
    forNames("foo.example.test", [], { commonName: "f*.example.test" }),
    forNames("a.b.test", ["a.*.test"]),
    forNames("a.b.test", ["*.*.test"]),
    forNames("foo.test", ["*.test"]),
    forNames("localhost", ["*"]),
    forNames("xn--bcher-kva.example.test", ["xn--*.example.test"]),
    forNames("bücher.test", ["bucher.test"]),
    forNames("foo.test", ["other.test"], { commonName: "foo.test" }),
    forNames("foo.test", ["foo.test.other.test", "foo.tes", "oo.test"]),
    forNames("foo.test", [], { commonName: "foo.test\0.other.test" }),
  ].map((row) => ({ ...row, code: OTHER_NAME }));

  return {
    authority,
    good,
    servers: [
      ...misnamed,
      ...common(["clientAuth"]),
      {
        what: "a certificate behind one authority more than allowed",
        identity: below({ pathLength: 0 }).issueAuthority({ key, commonName: "Lowest" }).issue({ key }),
        code: "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
        trust,
      },
    ],
    trustedServers: [
      forNames("localhost", ["localhost"]),
      forNames("LocalHost", ["localhost"]),
      forNames("127.0.0.1", [], { addresses: ["127.0.0.1"] }),
      forNames("foo.example.test", ["*.example.test"]),
      forNames("foo.example.test", ["f*.example.test", "foo.example.test"]),
      forNames("xn--bcher-kva.example.test", ["*.example.test"]),
      forNames("bücher.test", ["xn--bcher-kva.test"]),
      forNames("foo.test", [], { commonName: "foo.test" }),
      {
        what: "a certificate that is not on the list of revoked ones",
        identity: good,
        trust: listed,
        skip: noLists,
      },
      {
        what: "a certificate behind an authority below the known one",
        identity: below({}).issue({ key }),
        trust,
      },
    ],
    clients: [
      ...common(["serverAuth"]),
      {
        what: "no certificate",
        identity: undefined,
        code: "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE",
        trust,
      },
    ],
  };
}

const { versions } = process;
const isDeno = versions["deno"] !== undefined;
const noLists = isDeno && "Deno has no lists of revoked certificates, and the library refuses crl there";
/** Why the peer cannot speak them. */
export const noOldProtocols: string | false = isDeno && "Deno has no protocol older than TLS 1.2";
/** Bun runs BoringSSL and Deno rustls, which have none: what is weak is not among the refused ones then. */
export const noSecurityLevels: string | false =
  (versions["bun"] ?? versions["deno"]) !== undefined && "this runtime has no security levels of OpenSSL";

/** For the peer of the code under test, which has to show and to take what is weak. */
export const WEAK: { readonly minVersion: "TLSv1"; readonly ciphers?: string } = noSecurityLevels
  ? { minVersion: "TLSv1" }
  : { minVersion: "TLSv1", ciphers: "DEFAULT@SECLEVEL=0" };

function takesWeakKeys(authority: Authority): string | false {
  try {
    createSecureContext(authority.issue({ keyBits: 1024 }));
    return "this runtime's OpenSSL takes keys of 1024 bits";
  } catch {
    return false;
  }
}
