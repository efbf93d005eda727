/** Folders for the files of a test. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** An empty folder that is removed after the running test. */
export async function temporaryFolder(cleanup: (undo: () => unknown) => void): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "streams-test-"));
  cleanup(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
