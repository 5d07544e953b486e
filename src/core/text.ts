/** Small things done to texts, each in one pass: an expression like `x+$` is quadratic in what it does not find. */

/** A text without these characters at its end. */
export function withoutEnd(text: string, characters: string): string {
  let end = text.length
  while (end > 0 && characters.includes(text.charAt(end - 1))) end--
  return text.slice(0, end)
}

/** Lines of a text as one, with a space where one ended; empty ones are left out. */
export function onOneLine(text: string): string {
  if (!text.includes('\n')) return text
  const lines = text.split('\n')
  const last = lines.length - 1
  return lines
    .map((line, index) => (index === 0 ? line.trimEnd() : index === last ? line.trimStart() : line.trim()))
    .filter((line, index) => line !== '' || index === 0 || index === last)
    .join(' ')
}

/**
 * What stands between two marks, changed; a mark without another after it stays what it is.
 * @param mark with one group around all of it, so that `split` keeps what it finds
 */
export function betweenMarks(text: string, mark: RegExp, change: (inner: string) => string): string {
  const parts = text.split(mark)
  let out = parts[0] ?? ''
  for (let at = 1; at < parts.length; at += 2) {
    const [open = '', inner = '', close, after = ''] = parts.slice(at, at + 4)
    if (close === undefined) out += open + inner
    else {
      out += change(inner) + after
      at += 2
    }
  }
  return out
}
