import { cutLine, cutText, harmless, harmlessCode, harmlessLine, harmlessSpan, seen } from '../harmless.ts'
import { parseInline, parseMarkdown, TooMuchMarkup } from './parse.ts'
import { type Inline, plainText, type Rich, type RichDocument, text, tidy } from './rich.ts'

/** How foreign words are made fit for where they are written. */
export interface Reading {
  /** Takes out what is secret: before anything is changed in the words, since a changed secret is known no more. */
  readonly redact: (text: string) => string
  /** Something could not be shown as it was meant: told to the operator. */
  readonly failed?: (error: unknown) => void
  /** The source itself may be copied to where there is no markup, as GitHub does with the body of a pull request that is squashed. */
  readonly isCopied?: boolean
}

const PLAIN_NOTE = 'Shown as it was written, without its markup: that is more than Muster reads, or could not be read.'

/** Foreign Markdown as typed nodes that ping, command, close, link and fetch nothing. */
export function foreignBlocks(source: string, how: Reading, max?: number): RichDocument {
  const known = cut(safe(source, how), max)
  const read = tried(() => parseMarkdown(known))
  if (!read) return plainBlocks(known, how)
  return read.map((one) => harmlessBlock(one, how))
}

/** The same on one line, of at most `max` characters. */
export function briefInline(source: string, max: number, how: Reading): readonly Inline[] {
  return foreignInline(cutLine(safe(source, how), max), how)
}

/** The same on one line. */
export function foreignInline(source: string, how: Reading): readonly Inline[] {
  const read = tried(() => parseInline(safe(source, how)))
  return read ? harmlessWords(read, how) : [code(source.replace(/\s+/g, ' '), how)]
}

/** A foreign value as it is. */
export function foreignValue(value: string, how: Reading, max?: number): Inline {
  return text(harmless(cut(safe(lineOf(value), how), max)))
}

/** Foreign words as code within a line. */
export function code(value: string, how: Reading, max?: number): Inline {
  return { kind: 'code', text: spanText(value, how, max) }
}

/** Cut after what is secret is gone: half of a secret is known as none. */
function cut(known: string, max: number | undefined): string {
  return max === undefined ? known : cutText(known, max)
}

/** Without what is secret, also where it is written with backslashes or joiners, which people leave out or do not see. */
function safe(value: string, { redact }: Reading): string {
  // Most texts have nothing secret in any form.
  const bare = value.replace(/[\\\u200c\u200d\ufe00-\ufe0f]/g, '')
  const known = redact(bare)
  return known === bare ? redact(value) : known
}

/** What ends a line ends none within one. */
function lineOf(value: string): string {
  return seen(value).replace(/\n/g, ' ')
}

/** The text of code within a line. */
export function spanText(value: string, how: Reading, max?: number): string {
  const known = cut(safe(lineOf(value), how), max)
  return how.isCopied ? harmless(known) : harmlessSpan(known)
}

/** Foreign words as a block of code. */
export function codeText(value: string, how: Reading): string {
  const known = safe(seen(value), how)
  return how.isCopied ? harmless(known) : harmlessCode(known)
}

/** Foreign words as a title, where nothing is markup: on one line, of at most `max` characters. */
export function titleOf(value: string, max: number, how: Reading): string {
  return harmlessLine(safe(seen(value), how), max)
    .slice(0, max)
    .toWellFormed()
}

/** Foreign words of several lines where nothing is markup: a commit message, an annotation. */
export function linesOf(value: string, how: Reading): string {
  return harmless(safe(seen(value), how))
}

/** Foreign words without any look at what markup they hold. */
export function plainBlocks(source: string, how: Reading): RichDocument {
  return [
    { kind: 'paragraph', children: [{ kind: 'emphasis', children: [text(PLAIN_NOTE)] }] },
    { kind: 'code', lang: '', text: codeText(source, how).replace(/\n{3,}/g, '\n\n') },
  ]
}

function tried<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof TooMuchMarkup) return undefined
    throw error
  }
}

function harmlessBlock(block: Rich, how: Reading): Rich {
  switch (block.kind) {
    case 'paragraph':
    case 'heading':
    case 'ask':
      return { ...block, children: harmlessWords(block.children, how) }
    case 'quote':
      return { ...block, blocks: block.blocks.map((one) => harmlessBlock(one, how)) }
    case 'list':
      return {
        ...block,
        items: block.items.map((item) => ({ ...item, blocks: item.blocks.map((one) => harmlessBlock(one, how)) })),
      }
    case 'table': {
      const cells = (row: readonly (readonly Inline[])[]) => row.map((cell) => harmlessWords(cell, how))
      return { ...block, head: cells(block.head), rows: block.rows.map(cells) }
    }
    case 'code':
      return { kind: 'code', lang: langOf(block.lang), text: codeText(block.text, how) }
    case 'details':
      return {
        ...block,
        summary: harmless(safe(lineOf(block.summary), how)),
        blocks: block.blocks.map((one) => harmlessBlock(one, how)),
      }
    // No Markdown becomes one.
    case 'diagram':
      throw new Error(`foreign words cannot be a ${block.kind}`)
    case 'rule':
      return block
  }
}

/** What GitHub draws instead of showing it (diagrams, maps, formulas) may link and fetch: foreign code is only shown. */
function langOf(lang: string): string {
  // A keyword that closes issues may be copied into a commit message with what stands below it.
  const UNSHOWN = /^(?:mermaid|math|geojson|topojson|stl|suggestion|close[sd]?|fix(?:e[sd])?|resolve[sd]?)$/i
  return /^[\w+#.-]{1,30}$/.test(lang) && !UNSHOWN.test(lang) ? lang : ''
}

function harmlessWords(children: readonly Inline[], how: Reading): readonly Inline[] {
  // Tidied again: what had nothing to be seen is gone, and what stood around it is one text.
  const known = tidy(children.map((child) => redacted(child, how)))
  const whole = plainText(known)
  // A secret may stand in several pieces, of which none is known by itself.
  const told = safe(whole, how)
  return (told === whole ? known : [text(told)]).flatMap((child) => harmlessInline(child, how))
}

function redacted(node: Inline, how: Reading): Inline {
  switch (node.kind) {
    case 'text':
    case 'code':
      return { ...node, text: safe(lineOf(node.text), how) }
    case 'break':
    case 'mention':
    case 'issue':
      return node
    case 'link':
      return { ...node, url: how.redact(node.url), children: node.children.map((child) => redacted(child, how)) }
    default:
      return { ...node, children: node.children.map((child) => redacted(child, how)) }
  }
}

function harmlessInline(node: Inline, how: Reading): Inline[] {
  switch (node.kind) {
    case 'text':
      return [text(harmless(node.text))]
    case 'code':
      return [code(node.text, how)]
    case 'break':
      return [node]
    // No Markdown becomes these.
    case 'mention':
    case 'issue':
      throw new Error(`foreign words cannot be a ${node.kind}`)
    case 'link': {
      // Where it leads can be read and copied, and not followed by accident.
      const words = node.children.flatMap((child) => harmlessInline(child, how))
      const address = code(node.url, how)
      return plainText(node.children) === node.url ? [address] : [...words, text(' ('), address, text(')')]
    }
    default:
      return [{ ...node, children: node.children.flatMap((child) => harmlessInline(child, how)) }]
  }
}
