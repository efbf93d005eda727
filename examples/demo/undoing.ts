/** Undoes what a chapter has opened, in reverse order, also when it fails. */
export async function undoing(
  tell: (cleanup: (undo: () => unknown) => void) => Promise<void>,
): Promise<void> {
  const undos: (() => unknown)[] = [];
  try {
    await tell((undo) => undos.push(undo));
  } finally {
    for (const undo of undos.toReversed()) await undo();
  }
}
