/** A signal that is made only if somebody asks for it. */
export class LazySignal {
  #controller: AbortController | undefined;
  #reason: (() => unknown) | undefined;

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason());
    }
    return this.#controller.signal;
  }

  /** Whether `error` is what the signal was aborted with. */
  isReason(error: unknown): boolean {
    return this.#controller?.signal.aborted === true && this.#controller.signal.reason === error;
  }

  /** The first call counts. `reason` is called if there is a signal, or once somebody asks for it. */
  abort(reason: () => unknown): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason());
  }
}
