import { type Inline, issueText, plainText, type Rich, type RichDocument, text } from '../../core/reply/rich.ts'
import { tableAsList } from '../../core/reply/split.ts'

/**
 * A piece of a ClickUp comment: words with attributes; what a line is (an item, code) stands at its line break.
 * ClickUp's "comment formatting", https://developer.clickup.com/docs/comment-formatting.
 */
export interface CommentPart {
  readonly text: string
  readonly attributes?: Attributes
  /** Somebody is called. */
  readonly type?: 'tag'
  readonly user?: { readonly id: number }
}
interface Attributes {
  readonly bold?: true
  readonly italic?: true
  readonly strike?: true
  readonly code?: true
  readonly link?: string
  readonly list?: { readonly list: 'bullet' | 'ordered' | 'checked' | 'unchecked' }
  readonly indent?: number
  readonly 'code-block'?: { readonly 'code-block': string }
  readonly blockquote?: Readonly<Record<string, never>>
  readonly header?: number
}

/** ClickUp names no limit for a comment; this is what its editor is used with. */
const ROOM = 15_000
const MAX_INDENT = 6

/** How much of one comment a block takes. */
export function sizeOf(block: Rich): number {
  return renderComment([block]).reduce((sum, part) => sum + part.text.length, 0) / ROOM
}

/** Typed nodes as the parts of a comment. Words are words: mentions are parts of their own kind, and none is made here. */
export function renderComment(document: RichDocument): CommentPart[] {
  const out: CommentPart[] = []
  for (const [index, block] of document.entries()) {
    if (index > 0 && !(block.kind === 'list' && document[index - 1]?.kind === 'paragraph')) out.push(part('\n'))
    out.push(...lines(block, {}, 0))
  }
  return out.length > 0 ? out : [part('…')]
}

function part(value: string, attributes: Attributes = {}): CommentPart {
  return Object.keys(attributes).length > 0 ? { text: value, attributes } : { text: value }
}

/** @param line what the line is, at its end */
function lines(block: Rich, line: Attributes, depth: number): CommentPart[] {
  switch (block.kind) {
    case 'paragraph':
      return ended(inlines(block.children, {}), line)
    case 'heading':
      return ended(inlines(block.children, { bold: true }), line)
    case 'ask':
      return ended([part('👉 '), ...inlines(block.children, { bold: true })], line)
    case 'rule':
      return [part('———'), part('\n', line)]
    case 'diagram':
      return []
    case 'code':
      return block.text
        .split('\n')
        .flatMap((one) => [
          ...(one ? [part(one)] : []),
          part('\n', { 'code-block': { 'code-block': block.lang || 'plain' } }),
        ])
    case 'quote':
      return block.blocks.flatMap((one) => {
        const inner = lines(one, { ...line, blockquote: {} }, depth)
        return line.blockquote ? barred(inner) : inner
      })
    case 'details':
      return [
        part(block.summary || '…', { bold: true }),
        part('\n', line),
        ...block.blocks.flatMap((one) => lines(one, line, depth)),
      ]
    case 'table':
      return tableAsList(block).flatMap((one) => lines(one, line, depth))
    case 'list':
      return list(block, depth)
  }
}

/** Each line of a paragraph is what the paragraph is. */
function ended(words: readonly CommentPart[], line: Attributes): CommentPart[] {
  return [...words.map((one) => (one.text === '\n' ? part('\n', line) : one)), part('\n', line)]
}

/** A quote knows no quote within it: each of its lines keeps a mark before its words. */
function barred(inner: readonly CommentPart[]): CommentPart[] {
  return inner.flatMap((one, index) => (index === 0 || inner[index - 1]?.text === '\n' ? [part('› '), one] : [one]))
}

/** ClickUp numbers from 1: another start is written out. */
function list(block: Extract<Rich, { kind: 'list' }>, depth: number): CommentPart[] {
  const native = block.ordered && block.start === 1
  return block.items.flatMap(({ done, blocks }, index) => {
    const style = done === undefined ? (native ? 'ordered' : 'bullet') : done ? 'checked' : 'unchecked'
    const attributes: Attributes = {
      list: { list: style },
      ...(depth > 0 ? { indent: Math.min(depth, MAX_INDENT) } : {}),
    }
    const [first, ...rest] = blocks
    const lead = block.ordered && !native ? [part(`${block.start + index}. `)] : []
    const head = first?.kind === 'paragraph' ? inlines(first.children, {}).map(onOneLine) : []
    const below = first?.kind === 'paragraph' ? rest : blocks
    return [...lead, ...head, part('\n', attributes), ...below.flatMap((one) => lines(one, {}, depth + 1))]
  })
}

/** What a line is stands at its end, so an item has one line. */
function onOneLine(one: CommentPart): CommentPart {
  return one.text === '\n' ? { text: ' · ' } : one
}

function inlines(nodes: readonly Inline[], style: Attributes): CommentPart[] {
  return nodes.flatMap((node) => inline(node, style))
}

function inline(node: Inline, style: Attributes): CommentPart[] {
  switch (node.kind) {
    case 'text':
      return node.text === '' ? [] : [part(node.text, style)]
    case 'code':
      return node.text === '' ? [] : [part(node.text, { ...style, code: true })]
    case 'break':
      return [part('\n')]
    case 'issue':
      return [part(issueText(node), style)]
    case 'mention':
      return [{ text: `@${node.name}`, type: 'tag', user: { id: Number(node.id) } }]
    case 'strong':
      return inlines(node.children, { ...style, bold: true })
    case 'emphasis':
      return inlines(node.children, { ...style, italic: true })
    case 'strike':
      return inlines(node.children, { ...style, strike: true })
    case 'link':
      if (/^(https?:\/\/|mailto:)/i.test(node.url)) return inlines(node.children, { ...style, link: node.url })
      return inlines(
        [...node.children, ...(plainText(node.children) === node.url ? [] : [text(` (${node.url})`)])],
        style,
      )
  }
}
