/**
 * A message as typed nodes, which every channel renders for itself: nothing in it is parsed again on the other side, so that
 * words cannot become mentions, commands or markup. Markdown enters it through `parse.ts`, and foreign words through `foreign.ts`.
 */
export type Inline =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'strong' | 'emphasis' | 'strike'; readonly children: readonly Inline[] }
  /** `http`, `https`, `mailto`, or relative to where it is shown; never empty inside. */
  | { readonly kind: 'link'; readonly url: string; readonly children: readonly Inline[] }
  | { readonly kind: 'break' }
  /** An issue or pull request of the repository, `#12`; `closes`: merging closes it. Muster's own, never from text. */
  | { readonly kind: 'issue'; readonly number: number; readonly closes: boolean }
  /** Somebody is called. Made by Muster's own code for the channel that the account is in, never from text. */
  | { readonly kind: 'mention'; readonly id: string; readonly name: string }

export interface RichItem {
  /** Undefined where it is no task of a checklist. */
  readonly done: boolean | undefined
  readonly blocks: readonly Rich[]
}

export type Rich =
  | { readonly kind: 'heading'; readonly depth: number; readonly children: readonly Inline[] }
  | { readonly kind: 'paragraph'; readonly children: readonly Inline[] }
  | { readonly kind: 'quote'; readonly blocks: readonly Rich[] }
  | { readonly kind: 'list'; readonly ordered: boolean; readonly start: number; readonly items: readonly RichItem[] }
  | {
      readonly kind: 'table'
      readonly head: readonly (readonly Inline[])[]
      readonly rows: readonly (readonly (readonly Inline[])[])[]
    }
  | { readonly kind: 'code'; readonly lang: string; readonly text: string }
  | { readonly kind: 'rule' }
  /** What is asked of people. */
  | { readonly kind: 'ask'; readonly children: readonly Inline[] }
  | { readonly kind: 'details'; readonly summary: string; readonly blocks: readonly Rich[] }
  /** In Mermaid. It only draws what is said elsewhere in the document. */
  | { readonly kind: 'diagram'; readonly source: string }

export type RichDocument = readonly Rich[]

export const text = (value: string): Inline => ({ kind: 'text', text: value })

/** What an issue reads as. */
export function issueText({ number, closes }: Extract<Inline, { kind: 'issue' }>): string {
  return `${closes ? 'Closes ' : ''}#${number}`
}

/** The words alone. */
export function plainText(children: readonly Inline[]): string {
  return children
    .map((child) => {
      if (child.kind === 'text' || child.kind === 'code') return child.text
      if (child.kind === 'mention') return `@${child.name}`
      if (child.kind === 'issue') return issueText(child)
      return child.kind === 'break' ? '\n' : plainText(child.children)
    })
    .join('')
}

/** The one form of what reads the same: no empty or split texts, no emphasis within itself, no space at the edges. */
export function tidy(children: readonly Inline[]): readonly Inline[] {
  return trimmed(merged(children, new Set()))
}

function merged(nodes: readonly Inline[], around: ReadonlySet<string>): Inline[] {
  const out: Inline[] = []
  for (const child of joinedTexts(nodes)) {
    if (child.kind === 'text') append(out, text(child.text.replace(/[ \t\r\n\f\v]+/g, ' ')))
    else if (child.kind === 'code') append(out, { kind: 'code', text: onOneLine(child.text) })
    else if (child.kind === 'break' || child.kind === 'mention' || child.kind === 'issue') append(out, child)
    else if (around.has(child.kind)) for (const inner of merged(child.children, around)) append(out, inner)
    else {
      const children = merged(child.children, new Set([...around, child.kind]))
      const last = out.at(-1)
      if (last && alike(last, child))
        out[out.length - 1] = { ...child, children: merged([...last.children, ...children], around) }
      else if (children.length > 0) append(out, { ...child, children })
    }
  }
  return out
}

/** Texts beside each other as one, put together once: a paragraph may consist of thousands. */
function joinedTexts(nodes: readonly Inline[]): Inline[] {
  const out: Inline[] = []
  let words: string[] = []
  const flush = () => {
    if (words.length > 0) out.push(text(words.join('')))
    words = []
  }
  for (const node of nodes) {
    if (node.kind === 'text') words.push(node.text)
    else {
      flush()
      out.push(node)
    }
  }
  flush()
  return out
}

type Wrapping = Extract<Inline, { readonly children: readonly Inline[] }>

/** Neighbours that are one to whoever reads them. */
function alike(last: Inline, next: Wrapping): last is Wrapping {
  if (last.kind === 'link') return next.kind === 'link' && last.url === next.url
  return last.kind === next.kind && 'children' in last
}

/** Texts run together, and no space stands beside a line break. */
function append(out: Inline[], node: Inline): void {
  const last = out.at(-1)
  if (node.kind === 'text') {
    const value = last?.kind === 'break' ? node.text.replace(/^ +/, '') : node.text
    if (last?.kind === 'text') out[out.length - 1] = text((last.text + value).replace(/ {2,}/g, ' '))
    else if (value !== '') out.push(text(value))
    return
  }
  if (node.kind === 'code' && last?.kind === 'code') {
    out[out.length - 1] = { kind: 'code', text: last.text + node.text }
    return
  }
  if (node.kind === 'break' && last?.kind === 'text') out[out.length - 1] = text(withoutEnd(last.text, ' '))
  out.push(node)
}

function trimmed(children: readonly Inline[]): readonly Inline[] {
  const out = [...children]
  while (out[0]?.kind === 'break') out.shift()
  while (out.at(-1)?.kind === 'break') out.pop()
  const first = out[0]
  if (first?.kind === 'text') out[0] = text(first.text.replace(/^ +/, ''))
  const last = out.at(-1)
  if (last?.kind === 'text') out[out.length - 1] = text(withoutEnd(last.text, ' '))
  const left = out.filter((one) => one.kind !== 'text' || one.text !== '')
  return left.length === children.length ? left : trimmed(left)
}
import { onOneLine, withoutEnd } from '../text.ts'
