/** A folder for the files of both programs. They are killed when they are done, and cannot remove any themselves. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";

/** Programs that start from now on find it in their environment. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "fuzz-"));
  env["FUZZ_FOLDER"] = folder;
  return folder;
}

/** To be called when the programs have ended. */
export async function removeFolder(): Promise<void> {
  const folder = env["FUZZ_FOLDER"];
  delete env["FUZZ_FOLDER"];
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
}
