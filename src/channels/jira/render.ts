import { type Inline, issueText, plainText, type Rich, type RichDocument, text } from '../../core/reply/rich.ts'
import { tableAsList } from '../../core/reply/split.ts'

/** A node of the Atlassian Document Format. Which may stand in which is what the schema (`@atlaskit/adf-schema`) says. */
export interface AdfNode {
  readonly type: string
  readonly attrs?: Readonly<Record<string, unknown>>
  readonly content?: readonly AdfNode[]
  readonly text?: string
  readonly marks?: readonly AdfMark[]
}
export interface AdfMark {
  readonly type: 'strong' | 'em' | 'strike' | 'code' | 'link'
  readonly attrs?: Readonly<Record<string, unknown>>
}
export interface AdfDocument {
  readonly version: 1
  readonly type: 'doc'
  readonly content: readonly AdfNode[]
}

/** Where a block stands: in an item or a quote there may be paragraphs, lists and code only. */
type Inside = 'root' | 'expand' | 'narrow'

/** Jira takes 32,767 characters (limits.md); counted as it is sent, which is more than is seen. */
const ROOM = 30_000

/** How much of one comment a block takes. */
export function sizeOf(block: Rich): number {
  return JSON.stringify(blocks([block], 'root')).length / ROOM
}

/** Typed nodes as ADF. Words are words there: nothing in them can mention, link or run. */
export function renderAdf(document: RichDocument): AdfDocument {
  return { version: 1, type: 'doc', content: orEmpty(blocks(document, 'root')) }
}

function blocks(document: RichDocument, inside: Inside): AdfNode[] {
  return document.flatMap((block) => renderBlock(block, inside))
}

function orEmpty(content: readonly AdfNode[]): readonly AdfNode[] {
  return content.length > 0 ? content : [{ type: 'paragraph' }]
}

function paragraph(children: readonly Inline[], marks: readonly AdfMark[] = []): AdfNode {
  const content = inlines(children, marks)
  return content.length > 0 ? { type: 'paragraph', content } : { type: 'paragraph' }
}

function bold(words: string): AdfNode {
  return paragraph([text(words)], [{ type: 'strong' }])
}

function renderBlock(block: Rich, inside: Inside): AdfNode[] {
  switch (block.kind) {
    case 'paragraph':
      return [paragraph(block.children)]
    case 'heading':
      if (inside === 'narrow') return [paragraph(block.children, [{ type: 'strong' }])]
      return [{ type: 'heading', attrs: { level: block.depth }, content: inlines(block.children, []) }]
    case 'ask':
      if (inside === 'narrow') return [paragraph(block.children, [{ type: 'strong' }])]
      return [
        { type: 'panel', attrs: { panelType: 'note' }, content: [paragraph(block.children, [{ type: 'strong' }])] },
      ]
    case 'code':
      return [code(block)]
    case 'diagram':
      return []
    case 'rule':
      return inside === 'narrow' ? [paragraph([text('———')])] : [{ type: 'rule' }]
    case 'quote':
      if (inside === 'narrow') return blocks(block.blocks, 'narrow').map(barred)
      return [{ type: 'blockquote', content: orEmpty(blocks(block.blocks, 'narrow')) }]
    case 'details':
      if (inside !== 'root') return [bold(block.summary || '…'), ...blocks(block.blocks, inside)]
      return [{ type: 'expand', attrs: { title: block.summary }, content: orEmpty(blocks(block.blocks, 'expand')) }]
    case 'table':
      return inside === 'narrow' || block.head.length === 0 ? blocks(tableAsList(block), inside) : [table(block)]
    case 'list':
      return [list(block)]
  }
}

function code({ lang, text: value }: Extract<Rich, { kind: 'code' }>): AdfNode {
  return {
    type: 'codeBlock',
    ...(lang ? { attrs: { language: lang } } : {}),
    ...(value === '' ? {} : { content: [{ type: 'text', text: value }] }),
  }
}

/** A quote where none may stand keeps a mark before its words. */
function barred(node: AdfNode): AdfNode {
  if (node.type !== 'paragraph') return node
  return { ...node, content: [{ type: 'text', text: '› ' }, ...(node.content ?? [])] }
}

function list({ ordered, start, items }: Extract<Rich, { kind: 'list' }>): AdfNode {
  return {
    type: ordered ? 'orderedList' : 'bulletList',
    ...(ordered && start !== 1 ? { attrs: { order: start } } : {}),
    content: items.map(({ done, blocks: inner }) => ({
      type: 'listItem',
      content: item(done, blocks(inner, 'narrow')),
    })),
  }
}

/** Boxes are shown, not offered for ticking: what is done is Muster's to say. An item begins with words. */
function item(done: boolean | undefined, content: readonly AdfNode[]): readonly AdfNode[] {
  const mark: AdfNode[] = done === undefined ? [] : [{ type: 'text', text: done ? '✅ ' : '⬜ ' }]
  const [first, ...rest] = content
  if (first?.type === 'paragraph')
    return [mark.length > 0 ? { ...first, content: [...mark, ...(first.content ?? [])] } : first, ...rest]
  if (first?.type === 'codeBlock' && mark.length === 0) return content
  return [mark.length > 0 ? { type: 'paragraph', content: mark } : { type: 'paragraph' }, ...content]
}

function table({ head, rows }: Extract<Rich, { kind: 'table' }>): AdfNode {
  const row = (type: 'tableHeader' | 'tableCell') => (cells: readonly (readonly Inline[])[]) => ({
    type: 'tableRow',
    content: cells.map((cell) => ({ type, content: [paragraph(cell)] })),
  })
  return { type: 'table', content: [row('tableHeader')(head), ...rows.map(row('tableCell'))] }
}

function inlines(nodes: readonly Inline[], marks: readonly AdfMark[]): AdfNode[] {
  return nodes.flatMap((node) => inline(node, marks))
}

function inline(node: Inline, marks: readonly AdfMark[]): AdfNode[] {
  const marked = (value: string, with_: readonly AdfMark[]): AdfNode[] =>
    value === '' ? [] : [{ type: 'text', text: value, ...(with_.length > 0 ? { marks: with_ } : {}) }]
  switch (node.kind) {
    case 'text':
      return marked(node.text, marks)
    case 'code':
      // Code is never bold here; it may lead somewhere.
      return marked(node.text, [...marks.filter(({ type }) => type === 'link'), { type: 'code' }])
    case 'break':
      return [{ type: 'hardBreak' }]
    case 'issue':
      return marked(issueText(node), marks)
    case 'mention':
      return [{ type: 'mention', attrs: { id: node.id, text: `@${node.name}` } }]
    case 'strong':
    case 'emphasis':
    case 'strike':
      return inlines(
        node.children,
        with_(marks, { strong: 'strong', emphasis: 'em', strike: 'strike' } as const, node.kind),
      )
    case 'link':
      return link(node, marks)
  }
}

function with_<Kind extends string>(
  marks: readonly AdfMark[],
  names: Readonly<Record<Kind, AdfMark['type']>>,
  kind: Kind,
): readonly AdfMark[] {
  const type = names[kind]
  return marks.some((mark) => mark.type === type) ? marks : [...marks, { type }]
}

/** Where a link leads to a place that only the other side knows, it is written out. */
function link({ url, children }: Extract<Inline, { kind: 'link' }>, marks: readonly AdfMark[]): AdfNode[] {
  if (/^(https?:\/\/|mailto:)/i.test(url) && !marks.some(({ type }) => type === 'link'))
    return inlines(children, [...marks, { type: 'link', attrs: { href: url } }])
  return inlines([...children, ...(plainText(children) === url ? [] : [text(` (${url})`)])], marks)
}
