/** How values are shown in messages and on consoles. */

/** A word for the kind of a value, with the value where it is short. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "object") return `an instance of ${value.constructor?.name || "Object"}`;
  if (typeof value === "function") return `function ${value.name}`.trim();
  const shown = typeof value === "string" ? JSON.stringify(value) : String(value);
  return `${typeof value} ${shown.length > 40 ? `${shown.slice(0, 40)}…` : shown}`;
}

/** Lets `console.log` show instances as their `toString()` does. */
export function showAsString(prototype: { toString: () => string }): void {
  const value = function (this: typeof prototype): string {
    return this.toString();
  };
  Object.defineProperty(prototype, Symbol.for("nodejs.util.inspect.custom"), { value });
}
