/** Where this package is checked out. */
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(`${folder}/src/index.ts`)) folder = dirname(folder);
  return folder;
}

export const packageRoot: string = findRoot();
