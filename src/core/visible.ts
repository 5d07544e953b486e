/**
 * Which lines of a Markdown text a reader sees as the author's own words: not code, not a quote, not an HTML comment.
 * One linear pass, so that no input is slow. Where Markdown is ambiguous (a quote's lazy continuation, an unclosed
 * fence) the line counts as hidden: a command overlooked is a nuisance, a command obeyed by mistake is a hole.
 */
export interface Line {
  /** Zero-based line number. */
  readonly index: number
  readonly text: string
}

interface Fence {
  readonly mark: string
  readonly length: number
}

const HIDDEN_BLOCK = /^ {0,3}<(pre|script|style|textarea|code|blockquote|template|details)\b/i

/** The visible lines of `text`, in order. */
export function visibleLines(text: string): Line[] {
  const lines = stripComments(text).split(/\r\n|\r|\n/)
  const visible: Line[] = []
  let fence: Fence | undefined
  let hidden: string | undefined
  let quoted = false
  lines.forEach((line, index) => {
    if (fence) {
      if (closes(line, fence)) fence = undefined
      return
    }
    if (hidden) {
      if (line.toLowerCase().includes(`</${hidden}>`)) hidden = undefined
      return
    }
    fence = opens(line)
    if (fence) return
    hidden = opensHidden(line)
    if (hidden) return
    if (line.trim() === '') {
      quoted = false
      return
    }
    if (isQuote(line)) quoted = true
    if (quoted || isIndented(line)) return
    visible.push({ index, text: line })
  })
  return outsideSpans(lines, visible)
}

function opens(line: string): Fence | undefined {
  // A fence may stand in a list item; whatever is then indented counts as hidden too.
  const start = line.slice(0, 400)
  const words = start.slice(Math.max(0, start.search(/[^\s>*+\-\d.)]/)))
  const [run] = /^(?:`{3,}|~{3,})/.exec(words) ?? []
  if (!run || (run.startsWith('`') && words.slice(run.length).includes('`'))) return undefined
  return { mark: run.charAt(0), length: run.length }
}

function closes(line: string, fence: Fence): boolean {
  const run = line.trim()
  return run.length >= fence.length && run === fence.mark.repeat(run.length)
}

function opensHidden(line: string): string | undefined {
  const tag = HIDDEN_BLOCK.exec(line)?.[1]?.toLowerCase()
  return tag && !line.toLowerCase().includes(`</${tag}>`) ? tag : undefined
}

function isQuote(line: string): boolean {
  return /^ {0,3}(?:(?:[*+-]|\d{1,9}[.)]) +){0,3}>/.test(line.slice(0, 80))
}

function isIndented(line: string): boolean {
  return /^(?: {4}| {0,3}\t)/.test(line)
}

/** HTML comments become blanks, unclosed ones to the end; line numbers stay. */
function stripComments(text: string): string {
  return text.replace(/<!--[\s\S]*?(?:-->|$)/g, (comment) => comment.replace(/[^\n]/g, ' '))
}

/** Drops the lines that begin inside an inline code span which was opened on an earlier line of the same paragraph. */
function outsideSpans(lines: readonly string[], visible: readonly Line[]): Line[] {
  const inSpan = new Set<number>()
  let paragraph: number[] = []
  const flush = () => {
    for (const index of spanLines(paragraph.map((i) => lines[i] ?? ''))) inSpan.add(paragraph[index] ?? -1)
    paragraph = []
  }
  for (const { index } of visible) {
    if (paragraph.length > 0 && index !== (paragraph.at(-1) ?? 0) + 1) flush()
    paragraph.push(index)
  }
  flush()
  return visible.filter(({ index }) => !inSpan.has(index))
}

/** Which lines of a paragraph start inside a code span (CommonMark 6.1: runs of equal length pair up). */
function spanLines(paragraph: readonly string[]): number[] {
  const runs = paragraph.flatMap((line, at) =>
    [...line.matchAll(/`+/g)].map((match) => ({ at, length: match[0].length })),
  )
  const last = new Map(runs.map((run, order) => [run.length, order]))
  const inside: number[] = []
  for (let open = 0; open < runs.length; open++) {
    const run = runs[open]
    if (!run || (last.get(run.length) ?? open) <= open) continue
    let close = open + 1
    while (runs[close]?.length !== run.length) close++
    for (let at = run.at + 1; at <= (runs[close]?.at ?? 0); at++) inside.push(at)
    open = close
  }
  return inside
}
