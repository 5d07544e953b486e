import type { Place } from './artefacts.ts'

/** So many are linked to. */
const MOST = 12
const WORD = /[\w@./+-]{1,200}/g
/** What stands between a file and its line: `a.ts:12`, `a.ts#L12`, `a.ts, line 12`, `a.ts` (lines 12–20). */
const LINE = /^[`*)\]]{0,3}(?::|#L|,? \(?(?:in )?lines? )(\d{1,6})(?!\d)/

/** The lines of files that a text names, in the order in which it does. @param has whether there is such a file */
export function placesNamed(text: string, has: (path: string) => boolean): Place[] {
  const found = new Map<string, Place>()
  for (const { 0: word, index } of text.matchAll(WORD)) {
    const path = word.replace(/^\.\//, '')
    const [, line] = LINE.exec(text.slice(index + word.length, index + word.length + 30)) ?? []
    if (line === undefined || Number(line) < 1 || !path.includes('.') || !has(path)) continue
    found.set(`${path}:${line}`, { path, line: Number(line) })
    if (found.size >= MOST) break
  }
  return [...found.values()]
}
