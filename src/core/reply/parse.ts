import { onOneLine } from '../text.ts'
import MarkdownIt, { type Token } from 'markdown-it'
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

/** The caps of what is read as Markdown; measured by `npm run bench -- --only texts`. */
export const CAPS = { characters: 20_000, lines: 600, marks: 1_500, depth: 20 } as const
const MARKS = /[*_~`[\]<>!|&\\#@$(]/g

/** A text that is not read as Markdown: its size, its lines, its marks or its nesting are over the caps. */
export class TooMuchMarkup extends Error {}

/** What was read last: a status card is written again and again with nearly the same texts. */
const known = new Map<string, RichDocument>()
const KNOWN = { entries: 1000, length: 1000 } as const

/** HTML stays what it is: text. Images become links, since they would be fetched. @throws TooMuchMarkup */
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
  return tidy(treeOf(tokens).flatMap((node) => inlinesOf(node.children)))
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

function blocksOf(nodes: readonly Node[]): Rich[] {
  return nodes.flatMap(block)
}

function block({ token, children }: Node): Rich[] {
  switch (token.type) {
    case 'paragraph_open':
      return paragraph(children.flatMap((one) => inlinesOf(one.children)))
    case 'heading_open':
      return [{ kind: 'heading', depth: Number(token.tag.slice(1)), children: wordsIn(children) }]
    case 'blockquote_open':
      return [{ kind: 'quote', blocks: blocksOf(children) }]
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
    case 'html_block':
      return paragraph([text(token.content.trimEnd())])
    default:
      throw new Error(`Markdown has no block ${token.type}`)
  }
}

function wordsIn(children: readonly Node[]): readonly Inline[] {
  return tidy(children.flatMap((one) => inlinesOf(one.children)))
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

function inlinesOf(nodes: readonly Node[]): Inline[] {
  return nodes.flatMap(inline)
}

function inline({ token, children }: Node): Inline[] {
  switch (token.type) {
    case 'text':
    case 'text_special':
    case 'html_inline':
      return [text(token.content)]
    case 'softbreak':
      return [text('\n')]
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
