/** The order in which addresses of both families are tried (RFC 8305, section 4). */

/**
 * `firstFamilyCount` addresses of the family that comes first, then one of each family in turn; within a family the
 * order stays. 0 changes nothing.
 */
export function interleave<Address extends { readonly family: 4 | 6 }>(
  addresses: readonly Address[],
  firstFamilyCount: number,
): Address[] {
  if (firstFamilyCount === 0) return [...addresses];
  const leading = addresses.filter(({ family }) => family === addresses[0]!.family);
  const other = addresses.filter(({ family }) => family !== addresses[0]!.family);
  const ordered = leading.splice(0, firstFamilyCount - 1);
  for (let turn = 0; turn < Math.max(leading.length, other.length); turn++) {
    ordered.push(...leading.slice(turn, turn + 1), ...other.slice(turn, turn + 1));
  }
  return ordered;
}
