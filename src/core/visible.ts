import { historyFrom } from './history.ts'
import { type Token, tokensOf } from './reply/parse.ts'

/**
 * What of a Markdown text a reader sees as the author's own words: not code, not a quote, not struck or folded text, not an HTML
 * comment, not the history of a mail. The parser says so, not the look of a line; where HTML leaves it open the text counts as
 * hidden: a command overlooked is a nuisance, a command obeyed by mistake is a hole.
 */

/** A word that is looked for, and where it stands; both for whoever asks. */
export interface Found {
  /** Zero-based line. */
  readonly line: number
  /** At the beginning of a line of a plain paragraph. */
  readonly leads: boolean
}

export interface Seen {
  readonly lines: readonly string[]
  readonly found: readonly Found[]
  /** Lines that are somebody else's words, or nobody's: quotes, HTML. */
  readonly foreign: ReadonlySet<number>
}

// Two characters that nobody writes (private use), around the number of a mark.
const [OPEN, CLOSE] = ['\u{e000}', '\u{e001}'] as const
const MARK = /\u{e000}(\d+)\u{e001}/gu

/**
 * Where a word is visible in a text.
 * @param word finds it in a line; global
 * @returns undefined where the text has more markup than is read
 */
export function visibleIn(text: string, word: RegExp): Seen | undefined {
  const all = text.replaceAll(/[\u{e000}\u{e001}]/gu, '\u{fffd}').split(/\r\n|\r|\n/)
  const lines = all.slice(0, historyFrom(all))
  const marked: { line: number; column: number }[] = []
  const source = lines.map((line, index) =>
    line.replace(word, (hit: string, ...rest: unknown[]) => {
      const column = rest.find((one) => typeof one === 'number') ?? 0
      const lead = /^\s*/.exec(hit)?.[0] ?? ''
      marked.push({ line: index, column: column + lead.length })
      return `${lead}${OPEN}${marked.length - 1}${CLOSE}`
    }),
  )
  const tokens = tokensOf(source.join('\n'))
  if (!tokens) return undefined
  const walk = new Walk()
  walk.blocks(tokens)
  const found = walk.marks.flatMap(({ mark, leads }) => {
    const at = marked[mark]
    if (!at || walk.quotes.has(at.line)) return []
    return [{ line: at.line, leads: leads && (lines[at.line] ?? '').slice(0, at.column).trim() === '' }]
  })
  return { lines, found, foreign: walk.foreign }
}

/** The visible words of a text, in paragraphs, lists, tables and headings. */
export function visibleWords(text: string): string {
  const all = text.split(/\r\n|\r|\n/)
  const walk = new Walk()
  walk.blocks(tokensOf(all.slice(0, historyFrom(all)).join('\n')) ?? [])
  return walk.words.join('\n')
}

/** What hides, strikes, quotes or folds what stands in it. */
const HIDING = new Set(
  'pre code kbd samp tt blockquote q cite details summary del s strike template script style textarea title noscript svg math select datalist dialog object video audio canvas iframe'.split(
    ' ',
  ),
)
const VOID = new Set('area base br col embed hr img input link meta source track wbr'.split(' '))
const NESTING = new Set(['blockquote', 'bullet_list', 'ordered_list', 'table', 'heading'])

function addRange(lines: Set<number>, range: readonly [number, number] | null): void {
  for (let line = range?.[0] ?? 0; line < (range?.[1] ?? 0); line++) lines.add(line)
}

interface Tag {
  readonly name: string
  readonly closes: boolean
  readonly hides: boolean
}

/** The tags in a piece of HTML. Where it has more than plain tags and whole comments, browsers may see others: then none closes. */
function tagsIn(html: string): { readonly tags: readonly Tag[]; readonly isClear: boolean } {
  const bare = withoutComments(html)
  const rest = bare?.replace(/<\/?[a-z][a-z0-9-]{0,40}(?:\s[^<>]{0,2000})?>/gi, '')
  const isClear = rest !== undefined && !rest.includes('<')
  const tags = [...(isClear ? (bare ?? '') : html).matchAll(/<(\/?)([a-z][a-z0-9-]{0,40})([^<>]{0,2000})/gi)].map(
    ([, slash, tag = '', attributes = '']) => {
      const name = tag.toLowerCase()
      return { name, closes: slash !== '', hides: HIDING.has(name) || /\b(hidden|style)\b/i.test(attributes) }
    },
  )
  return { tags, isClear }
}

/** Undefined where a comment is none to every reader (`<!-->`, `--!>`, one that never ends). */
function withoutComments(html: string): string | undefined {
  const [first = '', ...comments] = html.split('<!--')
  let bare = first
  for (const comment of comments) {
    const end = comment.indexOf('-->')
    if (end < 0 || comment.startsWith('>') || comment.startsWith('->') || comment.slice(0, end).includes('--!>'))
      return undefined
    bare += comment.slice(end + 3)
  }
  return bare
}

/** Nothing but tags and comments. */
function isWordless(html: string): boolean {
  return (withoutComments(html) ?? html).replace(/<[^<>]{0,2000}>/g, '').trim() === ''
}

/** A pass over the parser's tokens, which knows what is open around each. */
class Walk {
  readonly marks: { readonly mark: number; readonly leads: boolean }[] = []
  readonly foreign = new Set<number>()
  /** Lines of quotes. Whether a paragraph right below goes on with one, parsers see differently: it does. */
  readonly quotes = new Set<number>()
  readonly words: string[] = []
  readonly #html: { readonly name: string; readonly hides: boolean }[] = []
  #nested = 0
  #quoted = 0
  #styled = 0
  #struck = 0
  #starts = true

  blocks(tokens: readonly Token[]): void {
    for (const token of tokens) {
      const name = token.type.replace(/_(open|close)$/, '')
      if (NESTING.has(name)) this.#nested += token.nesting
      if (name === 'blockquote') this.#quoted += token.nesting
      const isBelowQuote = token.type === 'paragraph_open' && this.quotes.has((token.map?.[0] ?? 0) - 1)
      if (token.type === 'blockquote_open' || isBelowQuote) addRange(this.quotes, token.map)
      if (token.type === 'blockquote_open' || (token.type === 'html_block' && isWordless(token.content)))
        addRange(this.foreign, token.map)
      // GitHub's footnotes, which this parser does not know, are shown elsewhere or not at all.
      if (token.type === 'inline' && token.content.split('\n').some((line) => line.trimStart().startsWith('[^')))
        addRange(this.quotes, token.map)
      if (token.type === 'html_block') this.#tags(token.content)
      if (token.type === 'inline') this.#inline(token.children ?? [])
    }
  }

  #inline(tokens: readonly Token[]): void {
    this.#starts = true
    this.#styled = 0
    this.#struck = 0
    const line: string[] = []
    for (const token of tokens) {
      if (token.type === 's_open' || token.type === 's_close') this.#struck += token.nesting
      else if (token.nesting !== 0) this.#styled += token.nesting
      else if (token.type === 'html_inline') this.#tags(token.content)
      if (token.type === 'text' || token.type === 'text_special') line.push(this.#text(token.content))
      // Where a link leads is said with it, though only its name is shown.
      if (token.type === 'link_open' && !this.#isHidden()) line.push(` ${token.attrGet('href') ?? ''} `)
      const isBreak = token.type === 'softbreak' || token.type === 'hardbreak'
      if (isBreak) line.push('\n')
      this.#starts = isBreak
    }
    if (line.length > 0) this.words.push(line.join(''))
  }

  #isHidden(): boolean {
    return this.#html.some(({ hides }) => hides) || this.#struck > 0 || this.#quoted > 0
  }

  #text(content: string): string {
    if (this.#isHidden()) return ''
    const plain = this.#nested === 0 && this.#styled === 0
    for (const { 1: mark, index } of content.matchAll(MARK))
      this.marks.push({ mark: Number(mark), leads: plain && this.#starts && index === 0 })
    return content
  }

  /** What is open hides whatever follows; only a tag that certainly closes the innermost element closes it. */
  #tags(content: string): void {
    const { tags, isClear } = tagsIn(content)
    for (const { name, closes, hides } of tags) {
      if (VOID.has(name)) continue
      if (!closes) this.#html.push({ name, hides })
      else if (isClear && this.#html.at(-1)?.name === name) this.#html.pop()
    }
  }
}
