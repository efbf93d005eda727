/** Carries scripts of TLS connections out with this library. */
import { openConnection, type TlsOptions } from "asyncio-streams";
import { carryOut, OurConnection } from "../peer/our-connection.js";
import type { Connected } from "../peer/peers.js";
import type { Certificates } from "./certificates.js";
import type { OwnTlsOperation, Script, TlsGiven } from "./script.js";
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

  do(step: OwnTlsOperation): unknown {
    const { writer } = this.#connection;
    if (step.op === "open") return this.#open({});
    if (step.op === "openTls") {
      const options = { ssl: this.#context(step.tls), ...this.#layer(step.tls) };
      return this.#connection.start(step.handle, () => this.#open(options));
    }
    if (step.op === "startTls") {
      const options = { serverSide: this.#script.side === "server", ...this.#layer(step.tls) };
      return this.#connection.start(step.handle, () => writer.startTls(this.#context(step.tls), options));
    }
    if (step.op === "startTlsWrong") {
      const options = { serverHostname: "localhost" };
      return this.#connection.start(step.handle, () => writer.startTls(5 as never, options));
    }
    return this.#connection.do(step);
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
