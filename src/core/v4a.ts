/**
 * Patches as some models are trained to write them: whole files added or deleted, and hunks that are found by their lines instead of
 * by numbers. Source: OpenAI, "GPT-4.1 Prompting Guide", "Generating and Applying File Diffs" (the V4A format). Pure.
 */

export interface Hunk {
  /** A line above it, where the lines themselves stand in several places. */
  readonly after: string | undefined
  readonly old: string
  readonly new: string
}

export type FileChange =
  | { readonly kind: 'add'; readonly path: string; readonly text: string }
  | { readonly kind: 'delete'; readonly path: string }
  | { readonly kind: 'update'; readonly path: string; readonly to: string | undefined; readonly hunks: readonly Hunk[] }

const HEAD = /^\*\*\* (Add|Update|Delete) File: (.{1,500})$/
const MOVE = /^\*\*\* Move to: (.{1,500})$/

/** @returns what it changes, or why it cannot be read */
export function readPatch(text: string): readonly FileChange[] | string {
  const lines = text.replace(/\r\n/g, '\n').trim().split('\n')
  if (lines[0] !== '*** Begin Patch' || lines.at(-1) !== '*** End Patch')
    return 'a patch begins with a line "*** Begin Patch" and ends with "*** End Patch"'
  const changes: FileChange[] = []
  let part: { readonly kind: string; readonly path: string; readonly body: string[] } | undefined
  const parts: NonNullable<typeof part>[] = []
  for (const line of lines.slice(1, -1)) {
    const [, kind = '', path = ''] = HEAD.exec(line) ?? []
    if (kind) parts.push((part = { kind, path: path.trim(), body: [] }))
    else if (part) part.body.push(line)
    else return `"${line.slice(0, 80)}" stands in no file: say "*** Update File: <path>" first`
  }
  for (const { kind, path, body } of parts) {
    const change = changeOf(kind, path, body)
    if (typeof change === 'string') return `${path}: ${change}`
    changes.push(change)
  }
  return changes.length > 0 ? changes : 'it changes no file'
}

function changeOf(kind: string, path: string, body: readonly string[]): FileChange | string {
  if (kind === 'Delete') return { kind: 'delete', path }
  if (kind === 'Add') {
    const wrong = body.find((line) => !line.startsWith('+'))
    if (wrong !== undefined) return 'each line of a new file begins with "+"'
    return { kind: 'add', path, text: body.map((line) => `${line.slice(1)}\n`).join('') }
  }
  const [, to] = MOVE.exec(body[0] ?? '') ?? []
  const hunks = hunksOf(to === undefined ? body : body.slice(1))
  if (typeof hunks === 'string') return hunks
  if (hunks.length === 0 && to === undefined) return 'nothing of it is changed'
  return { kind: 'update', path, to: to?.trim(), hunks }
}

interface Open {
  after: string | undefined
  readonly old: string[]
  readonly new: string[]
}

function hunksOf(body: readonly string[]): readonly Hunk[] | string {
  const all: Open[] = []
  let open: Open | undefined
  for (const line of body) {
    if (line === '*** End of File') continue
    if (line.startsWith('@@')) {
      const after = line.slice(2).trim() || undefined
      // Several of them lead to one place, the last one the nearest.
      if (open && open.old.length + open.new.length === 0) open.after = after ?? open.after
      else all.push((open = { after, old: [], new: [] }))
      continue
    }
    if (!open) all.push((open = { after: undefined, old: [], new: [] }))
    const [sign, rest] = [line.charAt(0), line.slice(1)]
    if (sign === '-' || sign === ' ' || line === '') open.old.push(rest)
    if (sign === '+' || sign === ' ' || line === '') open.new.push(rest)
    if (line !== '' && !'+- '.includes(sign)) return `"${line.slice(0, 80)}" begins with neither "+", "-" nor a space`
  }
  const hunks = all.filter((one) => one.old.length + one.new.length > 0)
  if (hunks.some((one) => one.old.length === 0)) return 'a hunk has no line of the file as it is: give some around it'
  return hunks.map((one) => ({ after: one.after, old: one.old.join('\n'), new: one.new.join('\n') }))
}

/** Every file that it touches. */
export function pathsOf(changes: readonly FileChange[]): string[] {
  return changes.flatMap((one) => [one.path, ...(one.kind === 'update' && one.to !== undefined ? [one.to] : [])])
}
