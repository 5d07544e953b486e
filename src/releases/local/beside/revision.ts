import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const known = new Map<string, string>()

/** Which program that is, with all that it imports of Muster, and which Node runs it: another one takes its place. Read once. @param beside files of which it is made as well */
export function revisionOf(program: string, beside: readonly string[] = []): string {
  const before = known.get(program)
  if (before) return before
  const hash = createHash('sha256').update(process.version)
  for (const text of sourcesOf(new URL(program)).values()) hash.update(text)
  for (const file of beside) hash.update(readFileSync(file))
  const revision = hash.digest('hex').slice(0, 16)
  known.set(program, revision)
  return revision
}

/** Its files, by where they are. */
function sourcesOf(url: URL, found = new Map<string, string>()): ReadonlyMap<string, string> {
  if (found.has(url.href)) return found
  const text = readFileSync(fileURLToPath(url), 'utf8')
  found.set(url.href, text)
  for (const statement of text.split(/^(?=import |export )/m)) {
    // Types are no part of what runs.
    const isType = statement.startsWith('import type ') || statement.startsWith('export type ')
    const path = isType ? undefined : / from '(\.[^']+)'/.exec(statement)?.[1]
    if (path) sourcesOf(new URL(path, url), found)
  }
  return found
}
