// Charts as SVG, each for a light and a dark page.

export const THEMES = {
  light: { text: "#1f2328", faint: "#656d76", line: "#d0d7de", ours: "#0969da", others: "#afb8c1" },
  dark: { text: "#e6edf3", faint: "#8d96a0", line: "#30363d", ours: "#4493f8", others: "#484f58" },
};

const WIDTH = 760;
const FONT = "12px system-ui, sans-serif";

/** One bar for each of `rows`, `{ name, relative, isOurs }`, and a line at 1, the base. */
export function barChart(title, rows, theme) {
  const left = 210;
  const top = 34;
  const step = 24;
  const scale = (WIDTH - left - 60) / Math.max(1, ...rows.map(({ relative }) => relative));
  const height = top + rows.length * step + 8;
  const base = left + scale;
  const bars = rows.flatMap(({ name, relative, isOurs }, index) => {
    const y = top + index * step;
    const width = Math.max(1, relative * scale);
    const fill = isOurs ? theme.ours : theme.others;
    return [
      text(left - 8, y + 14, name, theme.text, "end"),
      `<rect x="${left}" y="${y + 2}" width="${width.toFixed(1)}" height="${step - 7}" rx="2" fill="${fill}"/>`,
      text(left + width + 6, y + 14, relative.toFixed(2), theme.text),
    ];
  });
  return svg(height, title, [
    text(8, 18, title, theme.text, "start", "600"),
    ...bars,
    `<path d="M${base.toFixed(1)} ${top - 6}V${height - 4}" stroke="${theme.faint}" stroke-dasharray="3 3"/>`,
  ]);
}

/** A line through `points`, `{ point, cost }`, both axes logarithmic. */
export function lineChart(title, points, theme) {
  const [left, right, top, bottom] = [70, WIDTH - 30, 40, 240];
  const xs = points.map(({ point }) => Math.log10(point));
  const costs = points.map(({ cost }) => cost);
  const [low, high] = [Math.floor(Math.log10(Math.min(...costs))), Math.ceil(Math.log10(Math.max(...costs)))];
  const x = (value) => left + ((value - xs[0]) / (xs.at(-1) - xs[0])) * (right - left);
  const y = (cost) => bottom - ((Math.log10(cost) - low) / (high - low)) * (bottom - top);
  const powers = Array.from({ length: high - low + 1 }, (_, index) => low + index);
  const places = points.map(({ cost }, index) => `${x(xs[index]).toFixed(1)} ${y(cost).toFixed(1)}`);
  return svg(bottom + 36, title, [
    text(8, 18, title, theme.text, "start", "600"),
    ...powers.flatMap((power) => [
      `<path d="M${left} ${y(10 ** power).toFixed(1)}H${right}" stroke="${theme.line}"/>`,
      text(left - 8, y(10 ** power) + 4, `${Number((10 ** power).toPrecision(1))} ns`, theme.faint, "end"),
    ]),
    `<path d="M${places.join("L")}" fill="none" stroke="${theme.ours}" stroke-width="2"/>`,
    ...points.flatMap(({ point, cost }, index) => [
      `<circle cx="${x(xs[index]).toFixed(1)}" cy="${y(cost).toFixed(1)}" r="3.5" fill="${theme.ours}"/>`,
      text(x(xs[index]), y(cost) - 9, cost.toPrecision(3), theme.text, "middle"),
      text(x(xs[index]), bottom + 20, point.toLocaleString("en"), theme.faint, "middle"),
    ]),
  ]);
}

function svg(height, title, content) {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">`,
    `<title>${escape(title)}</title>`,
    ...content,
    "</svg>\n",
  ].join("\n");
}

function text(x, y, content, fill, anchor = "start", weight = "400") {
  return (
    `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" fill="${fill}" text-anchor="${anchor}" ` +
    `style="font:${FONT};font-weight:${weight}">${escape(content)}</text>`
  );
}

const escape = (content) => content.replace(/[&<>"]/g, (character) => `&#${character.codePointAt(0)};`);
