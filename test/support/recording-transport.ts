/** The transport of a reader that a test feeds by hand. */
import { NotImplementedError } from "asyncio-streams";

/** Notes what the reader asks for. */
export class RecordingTransport {
  readonly calls: string[] = [];

  get isPaused(): boolean {
    return this.calls.at(-1) === "pause";
  }
  pauseReading(): void {
    this.calls.push("pause");
  }
  resumeReading(): void {
    this.calls.push("resume");
  }
}

/** Notes it too, but cannot pause. */
export class UnpausableTransport extends RecordingTransport {
  override pauseReading(): void {
    super.pauseReading();
    throw new NotImplementedError("cannot pause");
  }
}
