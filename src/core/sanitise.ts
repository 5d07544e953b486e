/**
 * What people wrote, made safe to show to a model: entities decoded to a fixpoint, comments and hidden attributes
 * stripped, invisible code points dropped. Linear time.
 */

const NAMED: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  excl: '!',
  hyphen: '-',
  dash: '-',
}
const MAX_ROUNDS = 5

// What a reader cannot see: control and format characters (Cc, Cf: zero-width, bidi, tags), variation selectors,
// the fillers that render as nothing, and line separators that editors show as one line.
const INVISIBLE =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\p{Cf}\ufe00-\ufe0f\u{e0100}-\u{e01ef}\u115f\u1160\u3164\uffa0\u2028\u2029\u180b-\u180f\ufff9-\ufffb]/gu

/** A text as a model may read it. */
export function sanitise(text: string): string {
  const decoded = decode(text).replace(INVISIBLE, '')
  return stripAttributes(stripComments(decoded))
}

function decode(text: string): string {
  let now = text
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const next = now.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}));?/gi, decodeOne)
    if (next === now) break
    now = next
  }
  return now
}

function decodeOne(whole: string, decimal?: string, hex?: string, name?: string): string {
  if (name) return NAMED[name.toLowerCase()] ?? whole
  const point = decimal ? Number.parseInt(decimal, 10) : Number.parseInt(hex ?? '', 16)
  return point > 0 && point <= 0x10_ffff && !(point >= 0xd800 && point <= 0xdfff) ? String.fromCodePoint(point) : ''
}

function stripComments(text: string): string {
  let now = text
  for (let round = 0; round < MAX_ROUNDS && now.includes('<!--'); round++) {
    now = now.replace(/<!--[\s\S]*?(?:--!?>|$)/g, '[hidden comment removed]')
  }
  return now
}

/** Places where Markdown and HTML hide text: link definitions, link and image titles, image alts, attributes. */
function stripAttributes(text: string): string {
  return text
    .replace(/^ {0,3}\[[^[\]\n]{1,200}\]:[ \t]+\S.*$/gm, '')
    .replace(/!\[[^[\]\n]{0,500}\](?:\([^()[\n]{0,1000}\)|\[[^[\]\n]{0,200}\])/g, '[image]')
    .replace(
      /(\]\((?:[^()[\s]|\([^()[\s]{0,100}\)){1,1000})[ \t]{1,9}(?:"[^"\n[]{0,500}"|'[^'\n[]{0,500}'|\([^()\n[]{0,500}\))\)/g,
      '$1)',
    )
    .replace(/<(\/?[a-z][\w-]{0,30})(?:\s[^<>]{0,2000})?>/gi, '<$1>')
}

/**
 * A block whose end nobody can forge: the delimiter carries a nonce chosen after the text was written.
 * @param nonce random, new for each prompt
 */
export function quoteBlock(label: string, text: string, nonce: string): string {
  const clean = sanitise(text).replaceAll(nonce, '')
  return `<${label}-${nonce}>\n${clean}\n</${label}-${nonce}>`
}

/** What programs and colleagues wrote, word for word but for what no reader could see: code is nothing else than what it is. */
export function verbatim(text: string): string {
  return text.replace(INVISIBLE, '')
}

/** The same in a block whose end nobody can forge. */
export function codeBlock(label: string, text: string, nonce: string): string {
  return `<${label}-${nonce}>\n${verbatim(text).replaceAll(nonce, '')}\n</${label}-${nonce}>`
}

/** The first and last halves of a long text, with a line that says how much was left out. */
export function clip(text: string, max = 10_000): string {
  if (text.length <= max) return text
  const half = Math.floor(max / 2)
  return `${text.slice(0, half)}\n[… ${text.length - 2 * half} characters left out …]\n${text.slice(-half)}`
}
