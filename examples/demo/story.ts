/** How the demo tells what happens. */

export function title(text: string): void {
  console.log(`\n${text}\n${"─".repeat(text.length)}`);
}

export function say(text: string): void {
  console.log(`  ${text}`);
}
