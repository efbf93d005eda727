/** Undoes at the end of a test what it has opened, in reverse order, also when it fails. */
import { afterEach } from "node:test";

type Undo = () => unknown;

/** Call it in a test file or `describe`, and give what it returns each thing to undo after the running test. */
export function cleanups(): (undo: Undo) => void {
  const undos: Undo[] = [];
  afterEach(async () => {
    for (const undo of undos.splice(0).toReversed()) await undo();
  });
  return (undo) => {
    undos.push(undo);
  };
}
