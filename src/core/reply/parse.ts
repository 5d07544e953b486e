import { onOneLine } from '../text.ts'
import MarkdownIt, { type StateBlock, type StateInline, type Token } from 'markdown-it'
import { folds, type Part, withTags } from './html.ts'
import { type Inline, plainText, type Rich, type RichDocument, type RichItem, text, tidy } from './rich.ts'

/**
 * Markdown (CommonMark with GitHub's tables, task lists and strikethrough) as typed nodes. The parser is markdown-it: its time grows
 * with the text, whatever stands in it (docs/decisions/2026-11-28-foreign-words.md). Bare addresses stay words: nothing is
 * linked that its author did not link.
 */
const parser = new MarkdownIt('default', { html: true, linkify: false, typographer: false })
// Where a link may lead is decided here, and addresses stay as they were written.
parser.validateLink = () => true
parser.normalizeLink = (url) => url
parser.normalizeLinkText = (url) => url

parser.inline.ruler.before('escape', 'math', math)
parser.inline.ruler.before('strikethrough', 'tildes', tildes)
parser.block.ruler.before('html_block', 'tag_below_table', tagBelowTable, { alt: ['blockquote'] })

const LONE_TAG = /^<\/?[a-z][a-z0-9-]*(?:\s[^<>"']*(?:(?:"[^"]*"|'[^']*')[^<>"']*)*)?\/?>\s*$/i

/**
 * A line that is one tag ends a table, and begins a block of HTML (GFM 4.10: "the table is broken at the beginning of another
 * block-level structure"). markdown-it takes it for a row, since no paragraph ends there.
 */
function tagBelowTable(state: StateBlock, line: number, _: number, silent: boolean): boolean {
  if (!silent || state.parentType !== 'table') return false
  return LONE_TAG.test(state.src.slice((state.bMarks[line] ?? 0) + (state.tShift[line] ?? 0), state.eMarks[line]))
}

/** Three tildes or more strike nothing (GFM 6.5); markdown-it would take two of them. */
function tildes(state: StateInline, silent: boolean): boolean {
  let end = state.pos
  while (end < state.posMax && state.src[end] === '~') end++
  if (end - state.pos < 3) return false
  if (!silent) state.pending += state.src.slice(state.pos, end)
  state.pos = end
  return true
}

/** `$a_1$` and `$$…$$` as GitHub reads them: shown as they were written, since nothing here draws them (docs.github.com, "Writing mathematical expressions"). */
function math(state: StateInline, silent: boolean): boolean {
  const { src, pos } = state
  if (src[pos] !== '$') return false
  const sign = src.startsWith('$$', pos) ? '$$' : '$'
  const from = pos + sign.length
  const to = src.indexOf(sign, from)
  if (to <= from || (sign === '$' && !isMath(src, from, to))) return false
  if (!silent) state.push('code_inline', 'code', 0).content = src.slice(pos, to + sign.length)
  state.pos = to + sign.length
  return true
}

/** Prices are none: no space stands inside the signs, and no digit or letter behind them. */
function isMath(src: string, from: number, to: number): boolean {
  return !/\s/.test(src[from] ?? ' ') && !/\s/.test(src[to - 1] ?? ' ') && !/[\p{L}\p{N}]/u.test(src[to + 1] ?? '')
}

/** The caps of what is read as Markdown; measured by `npm run bench -- --only texts`. */
export const CAPS = { characters: 20_000, lines: 600, marks: 1_500, depth: 20 } as const
const MARKS = /[*_~`[\]<>!|&\\#@$(]/g

/** A text that is not read as Markdown: its size, its lines, its marks or its nesting are over the caps. */
export class TooMuchMarkup extends Error {}

/** What was read last: a status card is written again and again with nearly the same texts. */
const known = new Map<string, RichDocument>()
const KNOWN = { entries: 1000, length: 1000 } as const

/** HTML that GitHub shows is read (`html.ts`), any other stays the text that it is. Images become links, since they would be fetched. @throws TooMuchMarkup */
export function parseMarkdown(source: string): RichDocument {
  if (source.length > KNOWN.length) return read(source)
  const found = known.get(source) ?? read(source)
  // The newest stand last; the oldest make room.
  known.delete(source)
  known.set(source, found)
  if (known.size > KNOWN.entries) known.delete(known.keys().next().value ?? '')
  return found
}

function read(source: string): RichDocument {
  checkCaps(source)
  return blocksOf(treeOf(parser.parse(source, {})))
}

/** The same for a text that stands on one line, such as a cell: what would begin a block ("1. x", "# x") is words here. @throws TooMuchMarkup */
export function parseInline(source: string): readonly Inline[] {
  checkCaps(source)
  const tokens = parser.parseInline(onOneLine(source).trim(), {})
  return tidy(treeOf(tokens).flatMap((node) => inlinesOf(node.children).flatMap(spaced)))
}

function checkCaps(source: string): void {
  const over = overCaps(source)
  if (over !== undefined) throw new TooMuchMarkup(over)
}

/** Which cap a text is over; undefined where it is read. */
function overCaps(source: string): string | undefined {
  if (source.length > CAPS.characters) return `longer than ${CAPS.characters} characters`
  if ((source.match(/\n/g)?.length ?? 0) > CAPS.lines) return `more than ${CAPS.lines} lines`
  if ((source.match(MARKS)?.length ?? 0) > CAPS.marks) return `more than ${CAPS.marks} marks`
  return undefined
}

/** The parser's own view of a text; undefined where it has more markup than is read. */
export function tokensOf(source: string): readonly Token[] | undefined {
  return overCaps(source) === undefined ? parser.parse(source, {}) : undefined
}
export type { Token }

interface Node {
  readonly token: Token
  readonly children: Node[]
}

/** What is flat in the parser's output as a tree, and not deeper than anything here goes. */
function treeOf(tokens: readonly Token[], depth = 0): Node[] {
  const top: Node[] = []
  const open: Node[] = []
  for (const token of tokens) {
    if (token.nesting < 0) {
      open.pop()
      continue
    }
    if (depth + open.length > CAPS.depth) throw new TooMuchMarkup(`nested more than ${CAPS.depth} deep`)
    const node = { token, children: token.children ? treeOf(token.children, depth + open.length) : [] }
    ;(open.at(-1)?.children ?? top).push(node)
    if (token.nesting > 0) open.push(node)
  }
  return top
}

/** Whether a link may lead there: no scripts, no data, nothing that a program on the reader's machine would open. */
export function isSafeUrl(url: string): boolean {
  // Browsers drop control characters and spaces before they look for a scheme.
  // oxlint-disable-next-line no-control-regex
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url.replace(/[\u0000-\u0020\u007f-\u00a0\u200b-\u200f]/g, ''))?.[1]
  return scheme === undefined || /^(https?|mailto)$/i.test(scheme)
}

/** What folds is opened and closed by blocks of HTML of their own, with any others between. */
interface Folded {
  summary: Inline[] | undefined
  isSummary: boolean
  readonly blocks: Rich[]
}

function blocksOf(nodes: readonly Node[]): Rich[] {
  const top: Folded = { summary: undefined, isSummary: false, blocks: [] }
  const open: Folded[] = [top]
  for (const node of nodes) {
    if (node.token.type === 'html_block') fold(node.token.content, open, top)
    else (open.at(-1) ?? top).blocks.push(...block(node))
  }
  while (open.length > 1) unfold(open, top)
  return top.blocks
}

function fold(html: string, open: Folded[], top: Folded): void {
  for (const piece of folds(html)) {
    const into = open.at(-1) ?? top
    if ('html' in piece) {
      const words = wordsOf(piece.html)
      if (into.isSummary) into.summary = [...(into.summary ?? []), ...words]
      else into.blocks.push(...paragraph(words))
    } else if (piece.fold === 'open') {
      if (open.length > CAPS.depth) throw new TooMuchMarkup(`folded more than ${CAPS.depth} deep`)
      open.push({ summary: undefined, isSummary: false, blocks: [] })
    } else if (piece.fold === 'close') unfold(open, top)
    else into.isSummary = piece.fold === 'summary'
  }
}

function unfold(open: Folded[], top: Folded): void {
  if (open.length < 2) return
  const { summary = [], blocks } = open.pop() ?? top
  const title = plainText(tidy(summary))
  ;(open.at(-1) ?? top).blocks.push({ kind: 'details', summary: onOneLine(title).trim() || 'Details', blocks })
}

/** The words of a block of HTML, where a line's end means nothing. */
function wordsOf(html: string): Inline[] {
  return treeOf(parser.parseInline(html.trim(), {})).flatMap((node) => inlinesOf(node.children, text(' ')))
}

function spaced(node: Inline): Inline {
  return node.kind === 'break' ? text(' ') : node
}

function block({ token, children }: Node): Rich[] {
  switch (token.type) {
    case 'paragraph_open':
      return paragraph(children.flatMap((one) => inlinesOf(one.children)))
    case 'heading_open':
      return [{ kind: 'heading', depth: Number(token.tag.slice(1)), children: wordsIn(children) }]
    case 'blockquote_open':
      return [{ kind: 'quote', blocks: alerted(blocksOf(children)) }]
    case 'bullet_list_open':
    case 'ordered_list_open':
      return [
        {
          kind: 'list',
          ordered: token.type === 'ordered_list_open',
          start: Number(token.attrGet('start') ?? 1),
          items: children.map(item),
        },
      ]
    case 'fence':
    case 'code_block':
      return [
        {
          kind: 'code',
          lang: (parser.utils.unescapeAll(token.info).trim().split(/\s+/, 1)[0] ?? '').replace(/`/g, ''),
          text: token.content.replace(/\n$/, ''),
        },
      ]
    case 'hr':
      return [{ kind: 'rule' }]
    case 'table_open':
      return [table(children)]
    default:
      throw new Error(`Markdown has no block ${token.type}`)
  }
}

function wordsIn(children: readonly Node[]): readonly Inline[] {
  return tidy(children.flatMap((one) => inlinesOf(one.children)))
}

const ALERT = /^\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]$/i

/** `> [!NOTE]`, which GitHub shows as a title. */
function alerted(blocks: readonly Rich[]): readonly Rich[] {
  const [first, ...rest] = blocks
  const [sign, next, ...more] = first?.kind === 'paragraph' ? first.children : []
  const [, name = ''] = (sign?.kind === 'text' && ALERT.exec(sign.text)) || []
  if (name === '' || (next !== undefined && next.kind !== 'break')) return blocks
  const title = name.charAt(0).toUpperCase() + name.slice(1).toLowerCase()
  return [...paragraph([{ kind: 'strong', children: [text(title)] }]), ...paragraph(more), ...rest]
}

/** An item of a task list begins with its box (GFM 5.3). */
function item({ children }: Node): RichItem {
  const blocks = blocksOf(children)
  const [first, ...rest] = blocks
  const [lead, ...more] = first?.kind === 'paragraph' ? first.children : []
  const [, box, words = ''] = (lead?.kind === 'text' && /^\[([ xX])\] (.*)$/s.exec(lead.text)) || []
  if (box === undefined || words + more.length === '0') return { done: undefined, blocks }
  return { done: box !== ' ', blocks: [...paragraph([text(words), ...more]), ...rest] }
}

function table(children: readonly Node[]): Rich {
  const cells = children
    .flatMap((part) => part.children)
    .map((row) => row.children.map((cell) => wordsIn(cell.children)))
  const [head = [], ...rows] = cells
  return { kind: 'table', head, rows }
}

/** @param lineEnd GitHub shows a line's end in a comment as one */
function inlinesOf(nodes: readonly Node[], lineEnd: Inline = { kind: 'break' }): Inline[] {
  const parts = nodes.flatMap((node): Part[] => {
    if (node.token.type === 'html_inline') return [{ tag: node.token.content }]
    return node.token.type === 'softbreak' ? [{ inline: lineEnd }] : inline(node).map((one) => ({ inline: one }))
  })
  return withTags(parts, link)
}

function inline({ token, children }: Node): Inline[] {
  switch (token.type) {
    case 'text':
    case 'text_special':
      return [text(token.content)]
    case 'hardbreak':
      return [{ kind: 'break' }]
    case 'code_inline':
      return [{ kind: 'code', text: token.content }]
    case 'strong_open':
      return [{ kind: 'strong', children: inlinesOf(children) }]
    case 'em_open':
      return [{ kind: 'emphasis', children: inlinesOf(children) }]
    case 's_open':
      return [{ kind: 'strike', children: inlinesOf(children) }]
    case 'link_open':
      return link(String(token.attrGet('href') ?? ''), inlinesOf(children))
    case 'image': {
      const url = String(token.attrGet('src') ?? '')
      return link(url, [text(`image: ${plainText(inlinesOf(children)) || url}`)])
    }
    default:
      throw new Error(`Markdown has no words ${token.type}`)
  }
}

function link(url: string, children: readonly Inline[]): Inline[] {
  const words = plainText(children).trim() === '' ? [text(url)] : children
  if (!isSafeUrl(url)) return [...words, text(' (link removed)')]
  // A backslash would escape what follows it where the link is written as Markdown; browsers read both alike.
  return url === '' ? [...words] : [{ kind: 'link', url: url.replaceAll('\\', '%5C'), children: words }]
}

function paragraph(children: readonly Inline[]): Rich[] {
  const tidied = tidy(children)
  return tidied.length === 0 ? [] : [{ kind: 'paragraph', children: tidied }]
}
