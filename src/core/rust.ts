/** How what is no code begins: comments, strings as they are, strings, characters. */
const OPENER = /\/\/|\/\*|\bb?r#{0,255}"|["']/g
/** A character, which a lifetime (`'a`) is not. */
const CHARACTER = /'(?:\\(?:u\{[^}']{0,8}\}|x..|.)|[^\\'\n])'/y

/** The same Rust source, as long, with blanks for comments and for whatever stands in quotes. Source: The Rust Reference, "Lexical structure". */
export function codeOnly(text: string): string {
  let plain = ''
  let at = 0
  OPENER.lastIndex = 0
  for (let found = OPENER.exec(text); found; found = OPENER.exec(text)) {
    const end = closed(text, found.index, found[0])
    plain += text.slice(at, found.index) + text.slice(found.index, end).replaceAll(/[^\n]/g, ' ')
    at = end
    OPENER.lastIndex = end
  }
  return plain + text.slice(at)
}

/** Where what begins so ends; what is not closed reaches to the end, so that no text is gone over twice. */
function closed(text: string, from: number, opener: string): number {
  const behind = from + opener.length
  const until = (end: string) => {
    const at = text.indexOf(end, behind)
    return at < 0 ? text.length : at + end.length
  }
  if (opener === '//') return until('\n')
  if (opener === '/*') return commentEnd(text, from)
  if (opener === '"') return stringEnd(text, behind)
  if (opener.endsWith('"')) return until(`"${'#'.repeat(opener.split('#').length - 1)}`)
  CHARACTER.lastIndex = from
  return CHARACTER.test(text) ? CHARACTER.lastIndex : behind
}

function stringEnd(text: string, from: number): number {
  let at = from
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return Math.min(at + 1, text.length)
}

/** Rust's comments stand inside one another. */
function commentEnd(text: string, from: number): number {
  const marks = /\/\*|\*\//g
  marks.lastIndex = from
  let depth = 0
  for (let found = marks.exec(text); found; found = marks.exec(text)) {
    depth += found[0] === '/*' ? 1 : -1
    if (depth === 0) return marks.lastIndex
  }
  return text.length
}
