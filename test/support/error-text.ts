/** An error in few words. */
export function errorText(error: unknown): string {
  const { name, code } = error as Error & { readonly code?: string };
  return code === undefined ? name : `${name} ${code}`;
}
