// Figures as text, in columns.

const MIB = 1024 * 1024;

export function showFigures(rows) {
  const cells = [["", "relative", "spread", "CPU µs/op", "user", "system", "op/s", "peak MiB", "B each"]];
  for (const row of rows) {
    cells.push([
      row.name,
      row.relative.toFixed(2),
      `${row.least.toFixed(2)}–${row.most.toFixed(2)}`,
      row.cpu.toPrecision(3),
      row.user.toPrecision(3),
      row.system.toPrecision(3),
      Math.round(row.perSecond).toLocaleString("en"),
      (row.peakMemory / MIB).toFixed(0),
      row.memoryEach > 0 ? Math.round(row.memoryEach).toLocaleString("en") : "",
    ]);
  }
  const widths = cells[0].map((_, column) => Math.max(...cells.map((line) => line[column].length)));
  return cells
    .map((line) =>
      line
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])))
        .join("  "),
    )
    .join("\n");
}
