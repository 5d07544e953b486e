import type { KnownBlock, RichTextBlock, RichTextBlockElement, RichTextElement, RichTextSection } from '@slack/types'
import { type Inline, issueText, plainText, type Rich, type RichDocument, text } from '../../core/reply/rich.ts'
import { fitting } from './fit.ts'
import { tableAsList } from '../../core/reply/split.ts'

/**
 * Typed nodes as Block Kit. Everything stands in rich text, whose words are words: `<!channel>`, `<@U1>` or a link written
 * out cannot mean anything there. Slack's limits are those of limits.md and of its reference of blocks.
 */
const HEADER_MAX = 150
const MAX_INDENT = 8
const TABLE = { columns: 6, rows: 100, characters: 8000 } as const
/** Of rich text in one block; a section takes 3,000 characters. */
const BLOCK_MAX = 2900

type Style = { bold?: true; italic?: true; strike?: true; code?: true }

/** How much of one message a block takes: its characters of about 12,000, its blocks of 50. */
export function sizeOf(block: Rich): number {
  // A table that is not the first of its message is told as a list, which is longer.
  if (block.kind === 'table') return tableAsList(block).reduce((sum, one) => sum + sizeOf(one), 0)
  const blocks = renderBlocks([block])
  // A sum, so that neither is forgotten where many small things come together; two for the distance from what stands before.
  return (lengthOf(blocks) + 2) / 12_500 + blocks.length / 48
}

/** All characters that people see of blocks. */
export function lengthOf(blocks: readonly KnownBlock[]): number {
  let length = 0
  JSON.stringify(blocks, (key, value: unknown) => {
    if (typeof value === 'string' && (key === 'text' || key === 'url')) length += value.length
    return value
  })
  return length
}

export function renderBlocks(document: RichDocument): KnownBlock[] {
  const out: KnownBlock[] = []
  let tables = 0
  const taken = { characters: 0 }
  for (const block of document) {
    if (block.kind === 'heading') out.push(...heading(block))
    else if (block.kind === 'rule') out.push({ type: 'divider' })
    // A message may have one table.
    else if (block.kind === 'table' && fitsTable(block) && tables++ === 0) out.push(table(block))
    // What fits goes with what stands before; what does not is cut.
    else
      for (const element of flow(block, 0))
        for (const one of lengthOf([rich([element])]) > BLOCK_MAX ? fitting(element, BLOCK_MAX) : [element])
          add(out, one, taken)
  }
  return out.length > 0 ? out : [rich([section([{ type: 'text', text: '…' }])])]
}

function rich(elements: RichTextBlockElement[]): RichTextBlock {
  return { type: 'rich_text', elements }
}

/** Rich text goes on in the block before it while there is room. @param taken what the last block has by now */
function add(out: KnownBlock[], element: RichTextBlockElement, taken: { characters: number }): void {
  const last = out.at(-1)
  const length = lengthOf([rich([element])])
  if (last?.type !== 'rich_text' || taken.characters + length > BLOCK_MAX) {
    out.push(rich([element]))
    taken.characters = length
    return
  }
  taken.characters += length + 2
  const before = last.elements.at(-1)
  // Paragraphs keep their distance.
  if (before?.type === 'rich_text_section' && element.type === 'rich_text_section')
    before.elements.push({ type: 'text', text: '\n\n' })
  last.elements.push(element)
}

function heading({ children }: Extract<Rich, { kind: 'heading' }>): KnownBlock[] {
  const title = plainText(children).replace(/\s+/g, ' ').trim()
  if (title === '') return []
  // A header has plain text only, of which a client may make what it likes.
  const isPlain = children.every(({ kind }) => kind === 'text' || kind === 'issue')
  if (isPlain && title.length <= HEADER_MAX)
    return [{ type: 'header', text: { type: 'plain_text', text: title, emoji: false } }]
  return [rich([section(inlines(children, { bold: true }))])]
}

function section(elements: RichTextElement[]): RichTextSection {
  return { type: 'rich_text_section', elements: elements.length > 0 ? elements : [{ type: 'text', text: ' ' }] }
}

function flow(block: Rich, indent: number): RichTextBlockElement[] {
  switch (block.kind) {
    case 'paragraph':
      return [section(inlines(block.children, {}))]
    case 'ask':
      return [
        section([{ type: 'text', text: '👉 ', style: { bold: true } }, ...inlines(block.children, { bold: true })]),
      ]
    case 'heading':
      return [section(inlines(block.children, { bold: true }))]
    case 'rule':
      return [section([{ type: 'text', text: '———' }])]
    case 'code':
      return preformatted(block.text)
    case 'diagram':
      return []
    case 'quote':
      return block.blocks.flatMap((one) => quoted(one, indent))
    case 'details':
      return [
        section([{ type: 'text', text: block.summary || '…', style: { bold: true } }]),
        ...block.blocks.flatMap((one) => flow(one, indent)),
      ]
    case 'table':
      return tableAsList(block).flatMap((one) => flow(one, indent))
    case 'list':
      return list(block, indent)
  }
}

function preformatted(code: string): RichTextBlockElement[] {
  return [{ type: 'rich_text_preformatted', elements: [{ type: 'text', text: code === '' ? ' ' : code }] }]
}

/** A quote has words only; what else stands in one keeps a bar at its side. */
function quoted(block: Rich, indent: number): RichTextBlockElement[] {
  return flow(block, indent).map((element): RichTextBlockElement => {
    if (element.type === 'rich_text_section') return { type: 'rich_text_quote', elements: element.elements }
    if (element.type === 'rich_text_quote')
      return { type: 'rich_text_quote', elements: [{ type: 'text', text: '› ' }, ...element.elements] }
    return { ...element, border: 1 }
  })
}

/** Slack's lists have one line an item, and number from 1: what does not fit into that is numbered by hand. */
function list(block: Extract<Rich, { kind: 'list' }>, indent: number): RichTextBlockElement[] {
  const simple = block.start === 1 && block.items.every(({ blocks }) => blocks.length <= 1 && isLine(blocks[0]))
  const native = block.ordered && simple
  const out: RichTextBlockElement[] = []
  for (const [index, { done, blocks }] of block.items.entries()) {
    const [first, ...rest] = blocks
    const lead = `${block.ordered && !native ? `${block.start + index}. ` : ''}${done === undefined ? '' : done ? '✅ ' : '⬜ '}`
    const words = isLine(first) && first ? inlines(first.children, {}) : []
    const line = section([...(lead ? [{ type: 'text' as const, text: lead }] : []), ...words])
    const last = out.at(-1)
    if (last?.type === 'rich_text_list' && last.indent === indent) last.elements.push(line)
    else
      out.push({
        type: 'rich_text_list',
        style: native ? 'ordered' : 'bullet',
        indent,
        elements: [line],
      })
    const below = isLine(first) ? rest : blocks
    out.push(...below.flatMap((one) => flow(one, Math.min(MAX_INDENT, indent + 1))))
  }
  return out
}

function isLine(block: Rich | undefined): block is Extract<Rich, { kind: 'paragraph' }> | undefined {
  return block === undefined || block.kind === 'paragraph'
}

function fitsTable(block: Extract<Rich, { kind: 'table' }>): boolean {
  const characters = [block.head, ...block.rows].flat().reduce((sum, cell) => sum + plainText(cell).length, 0)
  return (
    block.head.length > 0 &&
    block.head.length <= TABLE.columns &&
    block.rows.length < TABLE.rows &&
    characters <= TABLE.characters
  )
}

function table({ head, rows }: Extract<Rich, { kind: 'table' }>): KnownBlock {
  const cell = (style: Style) => (children: readonly Inline[]) => rich([section(inlines(children, style))])
  return {
    type: 'table',
    rows: [head.map(cell({ bold: true })), ...rows.map((row) => row.map(cell({})))],
    column_settings: head.map(() => ({ is_wrapped: true })),
  }
}

function inlines(nodes: readonly Inline[], style: Style): RichTextElement[] {
  return nodes.flatMap((node) => inline(node, style))
}

function styled(style: Style): { style: Style } | Record<string, never> {
  return Object.keys(style).length > 0 ? { style } : {}
}

function inline(node: Inline, style: Style): RichTextElement[] {
  switch (node.kind) {
    case 'text':
      return node.text === '' ? [] : [{ type: 'text', text: node.text, ...styled(style) }]
    case 'code':
      return node.text === '' ? [] : [{ type: 'text', text: node.text, ...styled({ ...style, code: true }) }]
    case 'break':
      return [{ type: 'text', text: '\n' }]
    case 'issue':
      return [{ type: 'text', text: issueText(node), ...styled(style) }]
    case 'mention':
      return [{ type: 'user', user_id: node.id }]
    case 'strong':
      return inlines(node.children, { ...style, bold: true })
    case 'emphasis':
      return inlines(node.children, { ...style, italic: true })
    case 'strike':
      return inlines(node.children, { ...style, strike: true })
    case 'link':
      return link(node, style)
  }
}

/** Where a link leads to a place that only the other side knows, it is written out. */
function link({ url, children }: Extract<Inline, { kind: 'link' }>, style: Style): RichTextElement[] {
  const words = plainText(children)
  if (!/^(https?:\/\/|mailto:)/i.test(url) || url.length > 3000)
    return inlines([...children, ...(words === url ? [] : [text(` (${url})`)])], style)
  return [{ type: 'link', url, ...(words === url ? {} : { text: words }), ...styled(style) }]
}
