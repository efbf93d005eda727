/** Carries scripts of TLS connections out with this library. */
import { openConnection, type TlsOptions } from "asyncio-streams";
import { carryOut, OurConnection } from "../peer/our-connection.js";
import type { Connected } from "../peer/peers.js";
import type { Certificates } from "./certificates.js";
import type { Operation, Script, TlsGiven } from "./script.js";
import type { Socket } from "node:net";

class OurTlsConnection {
  readonly #connection = new OurConnection();
  readonly #socket: Socket;
  readonly #script: Script;
  readonly #certificates: Certificates;

  constructor(socket: Socket, script: Script, certificates: Certificates) {
    this.#socket = socket;
    this.#script = script;
    this.#certificates = certificates;
  }

  do(step: Operation): unknown {
    switch (step.op) {
      case "open":
        return this.#open({});
      case "openTls": {
        const ssl = this.#context(step.tls);
        return this.#connection.start(step.handle, () => this.#open({ ssl, ...this.#layer(step.tls) }));
      }
      case "startTls":
        return this.#connection.start(step.handle, () =>
          this.#connection.writer.startTls(this.#context(step.tls), {
            serverSide: this.#script.side === "server",
            ...this.#layer(step.tls),
          }),
        );
      case "startTlsWrong":
        return this.#connection.start(step.handle, () =>
          this.#connection.writer.startTls(5 as never, { serverHostname: "localhost" }),
        );
      default:
        return this.#connection.do(step as Parameters<OurConnection["do"]>[0]);
    }
  }

  dispose(): void {
    this.#connection.dispose();
  }

  async #open(options: Parameters<typeof openConnection>[0] & object): Promise<null> {
    this.#connection.made(await openConnection({ sock: this.#socket, ...options }));
    return null;
  }

  #layer({ handshakeTimeout, shutdownTimeout }: TlsGiven): object {
    const { side, truncation } = this.#script;
    return {
      ...(side === "client" && { serverHostname: "localhost" }),
      sslHandshakeTimeout: handshakeTimeout,
      sslShutdownTimeout: shutdownTimeout,
      truncation,
    };
  }

  #context({ version, certificate, verifies }: TlsGiven): TlsOptions {
    const { ca, identities } = this.#certificates;
    return {
      ca,
      minVersion: version,
      maxVersion: version,
      ...(certificate !== null && identities[certificate]),
      ...(this.#script.side === "server" && { requestCert: verifies }),
    };
  }
}

/** What came of each step. */
export function carryOutTls(
  script: Script,
  { socket, tell }: Connected,
  certificates: Certificates,
): Promise<unknown[]> {
  return carryOut(script.steps, new OurTlsConnection(socket, script, certificates), tell);
}
