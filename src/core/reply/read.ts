import { UserError } from '../errors.ts'
import type { Block, Document } from './document.ts'
import {
  briefInline,
  code,
  codeText,
  foreignBlocks,
  foreignInline,
  foreignValue,
  plainBlocks,
  type Reading,
  spanText,
} from './foreign.ts'
import { plainDocument } from './plain.ts'
import { harmless } from '../harmless.ts'
import { isSafeUrl, parseInline, parseMarkdown } from './parse.ts'
import { type Inline, plainText, type Rich, type RichDocument, type RichItem, text, tidy } from './rich.ts'
import { type Own, type Piece, say, type Words } from './words.ts'

/** A document as its writers make it as typed nodes, ready for any channel: its foreign words are harmless from here on. */
export function richOf(document: Document, how: Reading): RichDocument {
  return document.flatMap((block) => richBlock(block, how))
}

/**
 * A document in a channel's own form. Where that fails, its words are shown plain, and it says so.
 * @throws UserError where even that fails: it is never tried again
 */
export function shown<T>(document: Document, how: Reading, render: (rich: RichDocument) => T): T {
  try {
    return render(richOf(document, how))
  } catch (error) {
    how.failed?.(error)
    return renderPlain(document, how, render)
  }
}

function renderPlain<T>(document: Document, how: Reading, render: (rich: RichDocument) => T): T {
  try {
    return render(plainBlocks(plainDocument(document), how))
  } catch (error) {
    throw new UserError('not_shown', 'What was to be said here cannot be shown.', { cause: error })
  }
}

function richBlock(block: Block, how: Reading): readonly Rich[] {
  const line = (words: Words) => inlineOf(words, how)
  switch (block.kind) {
    case 'heading':
      return [{ kind: 'heading', depth: 3, children: line(block.text) }]
    case 'paragraph':
      return blocksOf(block.text, how)
    case 'ask':
      return [{ kind: 'ask', children: line(block.text) }]
    case 'list':
      return [
        {
          kind: 'list',
          ordered: block.ordered,
          start: 1,
          items: block.items.map((item) => itemOf(item, undefined, how)),
        },
      ]
    case 'checklist':
      return [
        { kind: 'list', ordered: false, start: 1, items: block.items.map((item) => itemOf(item.text, item.done, how)) },
      ]
    case 'table':
      return [{ kind: 'table', head: block.head.map(line), rows: block.rows.map((row) => row.map(line)) }]
    case 'code':
      return [{ kind: 'code', lang: block.lang, text: codeText(block.text, how) }]
    case 'diagram':
      return [{ kind: 'diagram', source: block.source }]
    case 'details':
      return [{ kind: 'details', summary: harmless(how.redact(block.summary)), blocks: richOf(block.blocks, how) }]
  }
}

function itemOf(words: Words, done: boolean | undefined, how: Reading): RichItem {
  return { done, blocks: blocksOf(words, how) }
}

function ownOf(words: Words): Own {
  return typeof words === 'object' && 'own' in words ? words : say`${words}`
}

/** Where something is put into Muster's own Markdown while that is read: letters of no script, which no template holds. */
const PLACE = /\ue000(\d+)\ue001/

function templateOf({ own }: Own): string {
  return own.map((part, index) => (index === 0 ? part : `\ue000${index - 1}\ue001${part}`)).join('')
}

function inlineOf(words: Words, how: Reading): readonly Inline[] {
  if (typeof words === 'string') return foreignInline(words, how)
  const own = ownOf(words)
  return tidy(
    filled(parseInline(templateOf(own)), own.put, how).flatMap((part) => (isBlocks(part) ? lineOf(part) : [part])),
  )
}

function blocksOf(words: Words, how: Reading): readonly Rich[] {
  if (typeof words === 'string') return foreignBlocks(words, how)
  const own = ownOf(words)
  return parseMarkdown(templateOf(own)).flatMap((block) => filledBlock(block, own.put, how))
}

function filledBlock(block: Rich, put: readonly Piece[], how: Reading): readonly Rich[] {
  const inner = (blocks: readonly Rich[]) => blocks.flatMap((one) => filledBlock(one, put, how))
  switch (block.kind) {
    case 'paragraph':
      return paragraphs(filled(block.children, put, how))
    case 'quote':
      return [{ ...block, blocks: inner(block.blocks) }]
    case 'list':
      return [{ ...block, items: block.items.map((item) => ({ ...item, blocks: inner(item.blocks) })) }]
    case 'rule':
      return [block]
    default:
      throw new Error(`Muster's own words are no ${block.kind}: make it a block of the document`)
  }
}

/** Foreign Markdown that stands in a line: it may be several blocks. */
interface Blocks {
  readonly blocks: RichDocument
}

function isBlocks(part: Inline | Blocks): part is Blocks {
  return 'blocks' in part
}

/** What stands in a line begins and ends with it; what lies between has lines of its own. */
function paragraphs(parts: readonly (Inline | Blocks)[]): Rich[] {
  const out: Rich[] = []
  let line: Inline[] = []
  const flush = () => {
    const children = tidy(line)
    if (children.length > 0) out.push({ kind: 'paragraph', children })
    line = []
  }
  for (const part of parts) {
    if (!isBlocks(part)) line.push(part)
    else
      for (const [index, block] of part.blocks.entries()) {
        if (index > 0 || block.kind !== 'paragraph') flush()
        if (block.kind === 'paragraph') line.push(...block.children)
        else out.push(block)
      }
  }
  flush()
  return out
}

function lineOf({ blocks }: Blocks): Inline[] {
  return blocks.flatMap((block, index) => {
    const space = index > 0 ? [text(' ')] : []
    if (block.kind === 'paragraph' || block.kind === 'heading') return [...space, ...block.children]
    return block.kind === 'code' ? [...space, { kind: 'code' as const, text: block.text }] : space
  })
}

/** Muster's own words with everything put in. */
function filled(children: readonly Inline[], put: readonly Piece[], how: Reading): (Inline | Blocks)[] {
  return children.flatMap((child): (Inline | Blocks)[] => {
    switch (child.kind) {
      case 'text':
        return child.text
          .split(PLACE)
          .flatMap((part, index) => (index % 2 === 0 ? [text(part)] : pieceOf(put[Number(part)], how)))
      case 'code':
        return [{ kind: 'code', text: codeWith(child.text, put, how) }]
      case 'break':
      case 'issue':
      case 'mention':
        return [child]
      case 'link':
        if (PLACE.test(child.url)) throw new Error('an address is put in by link()')
        return [{ ...child, children: inlines(child.children, put, how) }]
      default:
        return [{ ...child, children: inlines(child.children, put, how) }]
    }
  })
}

function inlines(children: readonly Inline[], put: readonly Piece[], how: Reading): Inline[] {
  return filled(children, put, how).flatMap((part) => (isBlocks(part) ? lineOf(part) : [part]))
}

function codeWith(own: string, put: readonly Piece[], how: Reading): string {
  return own
    .split(PLACE)
    .map((part, index) => {
      const piece = put[Number(part)]
      if (index % 2 === 0 || !piece || !('text' in piece)) return part
      return spanText(piece.text, how, piece.max)
    })
    .join('')
}

function pieceOf(piece: Piece | undefined, how: Reading): (Inline | Blocks)[] {
  switch (piece?.kind) {
    case undefined:
      return []
    case 'value':
      return [foreignValue(piece.text, how, piece.max)]
    case 'said':
      return [{ blocks: foreignBlocks(piece.text, how, piece.max) }]
    case 'brief':
      return [...briefInline(piece.text, piece.max, how)]
    case 'mono':
      return [code(piece.text, how, piece.max)]
    case 'issue':
      return [piece]
    case 'link':
      return linkOf(piece, how)
  }
}

function linkOf({ url, label, max }: Extract<Piece, { kind: 'link' }>, how: Reading): Inline[] {
  // Not every channel shows markup within a link.
  const read = max === undefined ? foreignInline(label, how) : briefInline(label, max, how)
  const name = harmless(plainText(read)).trim()
  const words = [text(label === url || name === '' ? url : name)]
  return isSafeUrl(url) && url !== '' ? [{ kind: 'link', url, children: words }] : words
}
