import { type Inline, plainText, text, tidy } from './rich.ts'

/**
 * The HTML that people write in Markdown and GitHub shows: line breaks, sub- and superscripts, keys, links, pictures. Any other tag
 * stays the text that it is (`Array<string>`), and comments are not shown.
 */

/** What stands in a row: words, or a tag that may open or close something. */
export type Part = { readonly inline: Inline } | { readonly tag: string }

type Link = (url: string, children: readonly Inline[]) => readonly Inline[]

interface Frame {
  readonly name: string
  /** As it was written, for where it is never closed. */
  readonly tag: string
  readonly children: Inline[]
}

const COMMENT = /^<!--|^<[?!]/
const NAME = /^<(\/?)([a-z][a-z\d]*)/i
/** So deep are tags read; what is deeper is text. */
const MAX_DEPTH = 12

/** A row of words and tags as words. @param link makes a link where it may lead there */
export function withTags(parts: readonly Part[], link: Link): Inline[] {
  const top: Frame = { name: '', tag: '', children: [] }
  const open: Frame[] = [top]
  const into = () => open.at(-1) ?? top
  for (const part of parts) {
    if ('inline' in part) into().children.push(part.inline)
    else if (!COMMENT.test(part.tag)) tag(part.tag, open, into, link)
  }
  while (open.length > 1) asText(open, into)
  return top.children
}

function tag(written: string, open: Frame[], into: () => Frame, link: Link): void {
  const [, slash = '', called = ''] = NAME.exec(written) ?? []
  const name = called.toLowerCase()
  if (slash) close(written, name, open, into, link)
  else if (name === 'br') into().children.push({ kind: 'break' })
  else if (name === 'img') into().children.push(...image(written, link))
  else if (Object.hasOwn(WRAPPED, name) && !written.endsWith('/>') && open.length <= MAX_DEPTH)
    open.push({ name, tag: written, children: [] })
  else if (!SILENT.has(name)) into().children.push(text(written))
}

function close(written: string, name: string, open: Frame[], into: () => Frame, link: Link): void {
  const at = open.findLastIndex((frame) => frame.name === name)
  const wrap = Object.hasOwn(WRAPPED, name) ? WRAPPED[name] : undefined
  if (at < 1 || !wrap) {
    if (!SILENT.has(name)) into().children.push(text(written))
    return
  }
  while (open.length > at + 1) asText(open, into)
  const frame = open.pop()
  if (frame) into().children.push(...wrap(frame, link))
}

/** What is never closed is the text that it is. */
function asText(open: Frame[], into: () => Frame): void {
  const frame = open.pop()
  if (frame) into().children.push(text(frame.tag), ...frame.children)
}

/** What only arranges things on a page shows nothing. */
const SILENT: ReadonlySet<string> = new Set('p div span center picture source font u ins hr'.split(' '))

const inner = ({ children }: Frame): Inline[] => children
const coded = ({ children }: Frame): Inline[] => [{ kind: 'code', text: plainText(children) }]
/** No space stands at the edges of what is stressed: Markdown could not say it. */
const styled =
  (kind: 'strong' | 'emphasis' | 'strike') =>
  ({ children }: Frame): Inline[] => {
    const words = plainText(children)
    const stressed: Inline = { kind, children: tidy(children) }
    if (words.trim() === '') return children
    return [...(/^\s/.test(words) ? [text(' ')] : []), stressed, ...(/\s$/.test(words) ? [text(' ')] : [])]
  }

const WRAPPED: Readonly<Record<string, (frame: Frame, link: Link) => readonly Inline[]>> = {
  sub: ({ children }) => script(children, '_', SUBSCRIPTS),
  sup: ({ children }) => script(children, '^', SUPERSCRIPTS),
  kbd: coded,
  code: coded,
  samp: coded,
  b: styled('strong'),
  strong: styled('strong'),
  i: styled('emphasis'),
  em: styled('emphasis'),
  s: styled('strike'),
  del: styled('strike'),
  strike: styled('strike'),
  mark: inner,
  small: inner,
  a: ({ tag: written, children }, link) => {
    const url = attribute(written, 'href')
    return url === '' ? children : link(url, children)
  },
}

function image(written: string, link: Link): readonly Inline[] {
  const url = attribute(written, 'src')
  const name = attribute(written, 'alt') || url
  return url === '' ? [text(name)] : link(url, [text(`image: ${name}`)])
}

const ATTRIBUTES = {
  href: /\shref\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/i,
  src: /\ssrc\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/i,
  alt: /\salt\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/i,
} as const

/** The value of an attribute; empty where there is none. */
function attribute(written: string, name: keyof typeof ATTRIBUTES): string {
  const found = ATTRIBUTES[name].exec(written)
  return (found?.[1] ?? found?.[2] ?? found?.[3] ?? '').replaceAll('&amp;', '&').trim()
}

const SUBSCRIPTS: Readonly<Record<string, string>> = lettersOf('0123456789+-=()', '₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎')
const SUPERSCRIPTS: Readonly<Record<string, string>> = lettersOf('0123456789+-=()ni', '⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ')

function lettersOf(plain: string, raised: string): Record<string, string> {
  const all = Array.from(raised)
  return Object.fromEntries(Array.from(plain).map((letter, index) => [letter, all[index] ?? letter]))
}

/** In letters of their own, where there are such; else as it is written in a line. */
function script(children: readonly Inline[], sign: '_' | '^', letters: Readonly<Record<string, string>>): Inline[] {
  const words = plainText(children)
  const all = Array.from(words).map((letter) => letters[letter])
  return all.length > 0 && all.every((one) => one !== undefined) ? [text(all.join(''))] : [text(sign), ...children]
}

/** A piece of a block of HTML: what folds something, or the rest. */
export type Piece = { readonly fold: 'open' | 'close' | 'summary' | 'summarised' } | { readonly html: string }

/** What nobody is shown, folds nothing either. */
function withoutComments(html: string): string {
  let rest = html
  let out = ''
  for (let at = rest.indexOf('<!--'); at >= 0; at = rest.indexOf('<!--')) {
    out += rest.slice(0, at)
    const end = rest.indexOf('-->', at + 4)
    if (end < 0) return out
    rest = rest.slice(end + 3)
  }
  return out + rest
}

const FOLDS = /<(\/?)(details|summary)(?:\s[^<>]*)?>/gi

/** A block of HTML, taken apart at what folds. */
export function folds(source: string): Piece[] {
  const html = withoutComments(source)
  const found: Piece[] = []
  let from = 0
  for (const match of html.matchAll(FOLDS)) {
    if (match.index > from) found.push({ html: html.slice(from, match.index) })
    from = match.index + match[0].length
    const closes = match[1] === '/'
    if (match[2]?.toLowerCase() === 'details') found.push({ fold: closes ? 'close' : 'open' })
    else found.push({ fold: closes ? 'summarised' : 'summary' })
  }
  if (from < html.length) found.push({ html: html.slice(from) })
  return found
}
