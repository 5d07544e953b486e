import { type Block, type Document, heading } from '../../core/reply/document.ts'
import { lengthOf, renderMarkdown } from './render.ts'

/** What one comment takes, less its marker and its number (limits.md: 65,536 characters). */
const ROOM = 60_000

/**
 * A document as one comment, or as several that follow each other: nothing is left out, and each says which it is ("2/3").
 * Cut between blocks where that is possible, else between rows, items or lines.
 */
export function renderParts(document: Document, marker: string): string[] {
  const parts: Block[][] = []
  let size = 0
  for (const block of document.flatMap(pieces)) {
    const length = lengthOf([block])
    if (parts.length === 0 || size + length > ROOM) {
      parts.push([])
      size = 0
    }
    parts.at(-1)?.push(block)
    size += length
  }
  if (parts.length <= 1) return [renderMarkdown(document, marker)]
  return parts.map((blocks, index) =>
    renderMarkdown(
      [{ kind: 'paragraph', text: `*${index + 1}/${parts.length}*` }, ...blocks],
      partMarker(marker, index),
    ),
  )
}

/** Each part is found again by itself; the first has the effect's own marker. */
export function partMarker(marker: string, index: number): string {
  return index === 0 ? marker : `${marker}:p${index + 1}`
}

function pieces(block: Block): Block[] {
  if (lengthOf([block]) <= ROOM) return [block]
  switch (block.kind) {
    case 'details':
      return [heading(block.summary), ...block.blocks.flatMap(pieces)]
    case 'code':
      return slices(block.text.split('\n'), '\n').map((text) => ({ ...block, text }))
    case 'table':
      return groups(block.rows, (row) => row.join(' | ').length + 8).map((rows) => ({ ...block, rows }))
    case 'list':
      return groups(block.items, (item) => item.length + 4).map((items) => ({ ...block, items }))
    case 'checklist':
      return groups(block.items, (item) => item.text.length + 8).map((items) => ({ ...block, items }))
    case 'paragraph':
      return slices(block.text.split('\n'), '\n').map((text) => ({ ...block, text }))
    default:
      return [block]
  }
}

/** Rows in groups that fit. */
function groups<T>(rows: readonly T[], length: (row: T) => number): T[][] {
  const found: T[][] = []
  let size = 0
  for (const row of rows) {
    if (found.length === 0 || size + length(row) > ROOM - 1000) {
      found.push([])
      size = 0
    }
    found.at(-1)?.push(row)
    size += length(row)
  }
  return found
}

/** Text in pieces that fit; a line that is too long by itself is cut where it must be, never within a character. */
function slices(lines: readonly string[], glue: string): string[] {
  const short = lines.flatMap((line) => (line.length <= ROOM - 1000 ? [line] : cut(line)))
  return groups(short, (line) => line.length + glue.length).map((group) => group.join(glue))
}

function cut(line: string): string[] {
  const found: string[] = []
  for (let from = 0; from < line.length; ) {
    const to = from + ROOM - 2000
    const within = /[\uD800-\uDBFF]/.test(line.charAt(to - 1))
    found.push(line.slice(from, within ? to - 1 : to))
    from = within ? to - 1 : to
  }
  return found
}
