/** Whether certificate, key and authorities can be read, and belong together: Deno finds out only in the handshake. */
import type { X509Certificate } from "node:crypto";
import type { TlsOptions } from "../../transport/tls.js";
import { crypto } from "../node/builtins.js";

const CERTIFICATE = /-----BEGIN [^-]*CERTIFICATE-----[^-]*-----END [^-]*CERTIFICATE-----/g;

/** @throws Error for a certificate or key that is none, or if they do not belong together */
export function checkIdentity({ cert, key, ca, passphrase }: TlsOptions): void {
  const [certificate] = reading("cert", () => texts(cert).flatMap(certificatesIn));
  reading("ca", () => texts(ca).flatMap(certificatesIn));
  const keys = reading("key", () =>
    texts(key).map((pem) =>
      crypto().createPrivateKey(passphrase === undefined ? pem : { key: pem, passphrase }),
    ),
  );
  if (certificate === undefined || keys.length === 0) return;
  if (keys.some((own) => certificate.checkPrivateKey(own))) return;
  throw Object.assign(new Error("key values mismatch"), { code: "ERR_OSSL_X509_KEY_VALUES_MISMATCH" });
}

function reading<Read>(name: string, read: () => Read): Read {
  try {
    return read();
  } catch (cause) {
    throw Object.assign(new Error(`${name} cannot be read as PEM`, { cause }), {
      code: "ERR_OSSL_PEM_NO_START_LINE",
    });
  }
}

/** Those that are whole in themselves. */
function texts(value: TlsOptions["cert"] | TlsOptions["key"]): (string | Buffer)[] {
  return [value].flat().filter((item) => typeof item === "string" || Buffer.isBuffer(item));
}

function certificatesIn(value: string | Buffer): X509Certificate[] {
  const found = value.toString("latin1").match(CERTIFICATE) ?? [];
  if (found.length > 0) return found.map((pem) => new (crypto().X509Certificate)(pem));
  return [new (crypto().X509Certificate)(value)];
}
