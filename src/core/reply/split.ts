import { type Inline, plainText, type Rich, type RichDocument, text, tidy } from './rich.ts'

/** How much a block takes of one message; a message has room for 1. */
export type SizeOf = (block: Rich) => number

/**
 * A document as one message, or as several that follow each other: nothing is left out. Cut between blocks where that is
 * possible, else between rows, items, lines or words.
 */
export function splitDocument(document: RichDocument, sizeOf: SizeOf): RichDocument[] {
  const parts: Rich[][] = []
  let size = 0
  for (const block of document.flatMap((one) => pieces(one, sizeOf))) {
    const takes = sizeOf(block)
    if (parts.length === 0 || size + takes > 1) {
      parts.push([])
      size = 0
    }
    parts.at(-1)?.push(block)
    size += takes
  }
  return parts
}

/** Each says which it is: "2/3". */
export function numbered(parts: readonly RichDocument[]): RichDocument[] {
  if (parts.length <= 1) return [...parts]
  return parts.map((blocks, index) => [
    { kind: 'paragraph', children: [{ kind: 'emphasis', children: [text(`${index + 1}/${parts.length}`)] }] },
    ...blocks,
  ])
}

/** Each part is found again by itself; the first has the effect's own marker. */
export function partMarker(marker: string, index: number): string {
  return index === 0 ? marker : `${marker}:p${index + 1}`
}

function pieces(block: Rich, sizeOf: SizeOf): Rich[] {
  if (sizeOf(block) <= 1) return [block]
  switch (block.kind) {
    case 'details':
      return [...pieces(bold(block.summary), sizeOf), ...block.blocks.flatMap((one) => pieces(one, sizeOf))]
    case 'quote':
      return block.blocks
        .flatMap((one) => pieces(one, (inner) => sizeOf({ kind: 'quote', blocks: [inner] })))
        .map((one) => ({ kind: 'quote', blocks: [one] }))
    case 'code':
      return codePieces(block, sizeOf)
    case 'diagram':
      return pieces({ kind: 'code', lang: 'mermaid', text: block.source }, sizeOf)
    case 'table':
      return tablePieces(block, sizeOf)
    case 'list':
      return listPieces(block, sizeOf)
    case 'heading':
      return pieces({ kind: 'paragraph', children: [{ kind: 'strong', children: block.children }] }, sizeOf)
    case 'paragraph':
    case 'ask':
      return groups(wordsOf(block.children), (children) => sizeOf({ ...block, children })).map((children) => ({
        ...block,
        children: tidy(children),
      }))
    case 'rule':
      return [block]
  }
}

function codePieces(block: Extract<Rich, { kind: 'code' }>, sizeOf: SizeOf): Rich[] {
  const size = (value: string) => sizeOf({ ...block, text: value })
  const lines = chunks(block.text).flatMap((lines) => (lines.length > CHUNK ? cut(lines, size(lines)) : [lines]))
  // Each takes its line break too.
  return groups(lines, (some) => size(some.map((line) => `${line}\n`).join(''))).map((some) => ({
    ...block,
    text: some.join('\n'),
  }))
}

/** How many characters of lines are weighed together: weighing each line by itself takes long. */
const CHUNK = 400

/** Lines, as many together as make a chunk; one that is longer stands alone. */
function chunks(code: string): string[] {
  const found: string[] = []
  for (const line of code.split('\n')) {
    const last = found.at(-1)
    if (last !== undefined && last.length + line.length < CHUNK) found[found.length - 1] = `${last}\n${line}`
    else found.push(line)
  }
  return found
}

function bold(summary: string): Rich {
  return { kind: 'paragraph', children: [{ kind: 'strong', children: [text(summary)] }] }
}

function tablePieces(block: Extract<Rich, { kind: 'table' }>, sizeOf: SizeOf): Rich[] {
  const fits = block.rows.every((row) => sizeOf({ ...block, rows: [row] }) <= 1)
  // A row that fits nowhere as a row is told as a list.
  if (!fits) return tableAsList(block).flatMap((one) => pieces(one, sizeOf))
  return groups(block.rows, (rows) => sizeOf({ ...block, rows })).map((rows) => ({ ...block, rows }))
}

function listPieces(block: Extract<Rich, { kind: 'list' }>, sizeOf: SizeOf): Rich[] {
  const items = block.items.flatMap((item) => {
    if (sizeOf({ ...block, items: [item] }) <= 1) return [item]
    return item.blocks
      .flatMap((one) => pieces(one, (inner) => sizeOf({ ...block, items: [{ done: item.done, blocks: [inner] }] })))
      .map((one) => ({ done: item.done, blocks: [one] }))
  })
  let start = block.start
  return groups(items, (some) => sizeOf({ ...block, items: some })).map((some) => {
    const list: Rich = { ...block, start, items: some }
    start += some.length
    return list
  })
}

/** A table where none can be shown: one item a row, each cell under its heading. */
export function tableAsList({ head, rows }: Extract<Rich, { kind: 'table' }>): Rich[] {
  const cellText = (row: readonly (readonly Inline[])[], column: number): Inline[] => {
    const name = head[column] ?? []
    return [
      ...(plainText(name) ? [{ kind: 'strong' as const, children: name }, text(': ')] : []),
      ...(row[column] ?? []),
    ]
  }
  const items = rows.map((row) => ({
    done: undefined,
    blocks: [
      {
        kind: 'paragraph' as const,
        children: head.flatMap((_, column) => [
          ...(column > 0 ? [{ kind: 'break' } as const] : []),
          ...cellText(row, column),
        ]),
      },
    ],
  }))
  const only = {
    kind: 'paragraph' as const,
    children: head.flatMap((cell, at) => [...(at > 0 ? [text(' · ')] : []), ...cell]),
  }
  return items.length > 0 ? [{ kind: 'list', ordered: false, start: 1, items }] : [only]
}

/** Neighbours together as long as they fit; what does not fit even alone stands alone. */
function groups<T>(all: readonly T[], sizeOf: (some: readonly T[]) => number): T[][] {
  const found: T[][] = []
  let size = 0
  for (const one of all) {
    const alone = sizeOf([one])
    // What one more of its kind adds; the rest of what it takes alone is the frame around all of them.
    const adds = Math.max(0, sizeOf([one, one]) - alone)
    if (found.length === 0 || size + adds > 1) {
      found.push([])
      size = Math.max(0, alone - adds)
    }
    found.at(-1)?.push(one)
    size += adds
  }
  return found
}

/** Inline nodes of which none is long: texts word by word, what surrounds words around each of them. */
function wordsOf(children: readonly Inline[]): Inline[] {
  return children.flatMap((child): Inline[] => {
    if (child.kind === 'break' || child.kind === 'mention' || child.kind === 'issue') return [child]
    if (child.kind === 'text' || child.kind === 'code')
      return wordsTogether(child.text).map((part) => ({ ...child, text: part }))
    return wordsOf(child.children).map((part) => ({ ...child, children: [part] }))
  })
}

/** Words, as many together as make a good hundred characters: weighing each by itself takes long. */
function wordsTogether(value: string): string[] {
  const found: string[] = []
  for (const word of value.match(/\S{1,200}\s*|\s+/gu) ?? []) {
    const last = found.at(-1)
    if (last !== undefined && last.length + word.length < 120) found[found.length - 1] = last + word
    else found.push(word)
  }
  return found
}

/** A line that is too long by itself is cut between words where there are any, else where it must be; never within a character. */
function cut(line: string, size: number): string[] {
  if (size <= 1) return [line]
  const step = Math.max(1, Math.floor(line.length / Math.ceil(size * 2)))
  const found: string[] = []
  for (let from = 0; from < line.length; ) {
    const space = from + step < line.length ? line.lastIndexOf(' ', from + step - 1) : -1
    const within = /[\uD800-\uDBFF]/.test(line.charAt(from + step - 1))
    const to = space > from + step / 2 ? space + 1 : within ? from + step + 1 : from + step
    found.push(line.slice(from, to))
    from = to
  }
  return found
}
