import ignore from 'ignore'
import { isWho, type Who } from './standing.ts'

/** Who owns files, by a repository's CODEOWNERS (docs.github.com, "About code owners"). Pure. */

/** Where it stands: the first that there is counts. */
export const OWNERS_FILES = ['.github/CODEOWNERS', 'CODEOWNERS', 'docs/CODEOWNERS'] as const

/** Files times lines: half a second. */
const MOST_CHECKS = 500_000

interface Rule {
  readonly has: (file: string) => boolean
  readonly owners: readonly Who[]
}

/** Everybody who owns one of some files, people and teams. Addresses by mail name nobody who could be told apart. */
export function ownersOf(text: string, files: readonly string[]): readonly Who[] {
  // The last rule that matches counts, also where it names nobody.
  const rules = text.split('\n').flatMap(ruleIn).toReversed()
  // Of more than can be looked at in no time some are left out: fewer may approve then, not more.
  const some = files.slice(0, Math.floor(MOST_CHECKS / Math.max(1, rules.length)))
  const found = some.flatMap((file) => rules.find(({ has }) => has(file))?.owners ?? [])
  return [...new Map(found.map((one) => [one.toLowerCase(), one])).values()]
}

/** A line; nothing where GitHub takes it for none. */
function ruleIn(line: string): Rule[] {
  const [pattern = '', ...rest] = commented(line).split(/(?<!\\)\s+/)
  // Neither exceptions, nor ranges of characters, nor a sign that is escaped are known there.
  if (pattern === '' || /^!|\[|^\\#/.test(pattern)) return []
  const isOwner = (one: string) => /^[^@\s]+@[^@\s]+$/.test(one) || (one.startsWith('@') && isWho(one))
  if (!rest.every(isOwner)) return []
  return [{ has: matcherOf(pattern), owners: rest.filter((one): one is Who => one.startsWith('@') && isWho(one)) }]
}

/** Without what stands after a `#` that begins a word. */
function commented(line: string): string {
  const words = line.trim().split(/\s/)
  const at = words.findIndex((one) => one.startsWith('#'))
  return (at < 0 ? words : words.slice(0, at)).join(' ').trim()
}

/** As `.gitignore` reads it, by the case of letters; `docs/*` is what is right in that folder, and no deeper. */
function matcherOf(pattern: string): (file: string) => boolean {
  const by = (one: string) => ignore({ ignorecase: false }).add(one)
  const [all, deeper] = [by(pattern), /[^*]\/\*$/.test(pattern) ? by(`${pattern}/**`) : undefined]
  return (file) => ignore.isPathValid(file) && all.ignores(file) && !deeper?.ignores(file)
}
