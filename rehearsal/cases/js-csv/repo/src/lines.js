/** The lines of a text; the last one may end without a line break. */
export function splitLines(text) {
  const lines = text.split(/\r\n|\n|\r/)
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines
}
