// The parts of a document that programs write, each between two marks with its name.

const marksOf = (name) => [`<!-- ${name} -->`, `<!-- /${name} -->`];

/** What stands between the marks of `name`, without the blank lines around it; `undefined` if they are not there. */
export function readMarked(text, name) {
  const [open, close] = marksOf(name);
  const [begin, end] = [text.indexOf(open), text.indexOf(close)];
  return begin < 0 || end < begin ? undefined : text.slice(begin + open.length, end).trim();
}

/** `text` with `content` between the marks of `name`. Throws if they are not there. */
export function replaceMarked(text, name, content) {
  const [open, close] = marksOf(name);
  if (readMarked(text, name) === undefined) throw new Error(`there is no ${open} … ${close}`);
  const before = text.slice(0, text.indexOf(open) + open.length);
  return `${before}\n\n${content}\n\n${text.slice(text.indexOf(close))}`;
}
