/** The lines of a file's new side that a change shows: GitHub takes remarks on these and no others. */
export interface Shown {
  readonly path: string
  /** First and last line of each hunk, its context included; counted from 1. */
  readonly hunks: readonly { readonly from: number; readonly to: number }[]
}

const HUNK = /^@@ -\d{1,9}(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@/
const NEW_FILE = '+++ b/'

/**
 * What a unified diff shows of each file that is there afterwards. A path that git quotes (control characters) is left out.
 * Source: GNU diffutils manual, "Detailed Description of Unified Format"; git-diff(1), "Generating patch text with -p".
 */
export function shownIn(diff: string): ReadonlyMap<string, Shown> {
  const files = new Map<string, Shown>()
  let path: string | undefined
  // Lines of the old and the new side that the hunk still has: what looks like a header inside it is none.
  let left = { before: 0, after: 0 }
  for (const line of diff.split('\n')) {
    if (left.before > 0 || left.after > 0) {
      left = rest(left, line)
      continue
    }
    if (line.startsWith('+++ ')) path = line.startsWith(NEW_FILE) ? pathIn(line) : undefined
    const [, before = '1', start = '', after = '1'] = HUNK.exec(line) ?? []
    if (start === '') continue
    left = { before: Number(before), after: Number(after) }
    if (path === undefined || left.after === 0) continue
    const from = Number(start)
    const hunk = { from, to: from + left.after - 1 }
    files.set(path, { path, hunks: [...(files.get(path)?.hunks ?? []), hunk] })
  }
  return files
}

/** Git ends a path with spaces in it by a tab. */
function pathIn(line: string): string {
  const path = line.slice(NEW_FILE.length)
  return path.endsWith('\t') ? path.slice(0, -1) : path
}

function rest({ before, after }: { before: number; after: number }, line: string): { before: number; after: number } {
  if (line.startsWith('+')) return { before, after: after - 1 }
  if (line.startsWith('-')) return { before: before - 1, after }
  // "\ No newline at end of file" is no line.
  return line.startsWith('\\') ? { before, after } : { before: before - 1, after: after - 1 }
}

/** The hunk that shows all of these lines. */
export function hunkWith(
  shown: Shown | undefined,
  from: number,
  to: number,
): { readonly from: number; readonly to: number } | undefined {
  return shown?.hunks.find((hunk) => hunk.from <= from && to <= hunk.to)
}
