import ignore from 'ignore'
import { isWho, type Who } from './standing.ts'

/** Who owns files, by a repository's CODEOWNERS (docs.github.com, "About code owners"). Pure. */

/** Where it stands: the first that there is counts. */
export const OWNERS_FILES = ['.github/CODEOWNERS', 'CODEOWNERS', 'docs/CODEOWNERS'] as const

interface Rule {
  readonly pattern: string
  readonly owners: readonly Who[]
}

/** Everybody who owns one of some files, people and teams; of all files where none are named. Addresses by mail name nobody who could be told apart. */
export function ownersOf(text: string, files: readonly string[]): readonly Who[] {
  const rules = rulesIn(text)
  if (files.length === 0) return distinct(rules.flatMap(({ owners }) => owners))
  // The last rule that matches counts, also where it names nobody.
  const matched = rules.map(({ pattern, owners }) => ({ matcher: ignore().add(pattern), owners })).toReversed()
  return distinct(files.flatMap((file) => matched.find(({ matcher }) => ignores(matcher, file))?.owners ?? []))
}

function ignores(matcher: ReturnType<typeof ignore>, file: string): boolean {
  return ignore.isPathValid(file) && matcher.ignores(file)
}

function rulesIn(text: string): Rule[] {
  return text.split('\n').flatMap((line) => {
    const [pattern = '', ...rest] = line
      .replace(/(^|\s)#.*$/, '')
      .trim()
      .split(/(?<!\\)\s+/)
    // Neither exceptions nor ranges of characters are known there.
    if (pattern === '' || /^!|\[/.test(pattern)) return []
    return [{ pattern, owners: rest.filter((one): one is Who => one.startsWith('@') && isWho(one)) }]
  })
}

function distinct(all: readonly Who[]): Who[] {
  return [...new Map(all.map((one) => [one.toLowerCase(), one])).values()]
}
