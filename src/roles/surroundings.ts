import { mapOf, namesIn, wordsIn } from '../core/map.ts'
import { symbolMap } from '../core/symbols.ts'
import { codeBlock } from '../core/sanitise.ts'
import type { Design } from '../core/artefacts.ts'
import type { Checkout } from '../workspace/types.ts'
import type { StepContext } from './types.ts'

/** What a role is shown of a repository before it looks itself: whoever sees it at once needs no turn for it. */

const MAX_HITS = 24
const HITS_EACH = 5
/** A word by which more than these are called says nothing. */
const MOST_DEFINITIONS = 15
const MAX_LINE = 200

/** The files, and where the names of the request stand. */
export async function surroundings(
  context: Pick<StepContext, 'task' | 'nonce' | 'git'>,
  checkout: Checkout,
): Promise<string> {
  const { task, nonce } = context
  const { output } = await checkout.run(['git', 'ls-files'], { maxOutput: 4_000_000 })
  const paths = output.split('\n').filter(Boolean)
  const { origin } = task
  const names = namesIn([origin.title, origin.body, origin.request ?? ''].join('\n'))
  const map = paths.length > FEW ? await mapped(context, checkout.sha, names) : []
  // What is defined where, the map says.
  const hits = await whereNamed(checkout, names, map.length > 0 ? [] : wordsIn(origin.title))
  return [
    `## The files\n\n${codeBlock('files', mapOf(paths), nonce)}`,
    ...(hits.length > 0
      ? [`## Where names of the request stand\n\n${codeBlock('lines', hits.join('\n'), nonce)}`]
      : []),
    ...map,
  ].join('\n\n')
}

/** Of so few files the names say enough. */
const FEW = 60
/** How much of the map is shown, characters; and how long is waited for it. */
const MAX_MAP = 1800
const PATIENCE_MS = 2000

/** What most likely matters, by who defines and uses what. Where that is not known yet, the rest has to do. */
async function mapped(
  { task, nonce, git }: Pick<StepContext, 'task' | 'nonce' | 'git'>,
  sha: string,
  names: readonly string[],
): Promise<string[]> {
  const { origin } = task
  const wanted = { names, words: wordsIn([origin.title, origin.request ?? ''].join('\n')) }
  const files = await git.symbols?.(origin.repository, sha, wanted, PATIENCE_MS)
  const shown = symbolMap(files ?? [], MAX_MAP)
  if (shown === '') return []
  return [
    `## What most likely matters: files, with lines of what others use of them\n\n${codeBlock('map', shown, nonce)}`,
  ]
}

/** Where what the request names is used, and where words of it are defined: what stands in few places says most. */
async function whereNamed(checkout: Checkout, names: readonly string[], words: readonly string[]): Promise<string[]> {
  const uses = names.map((name) => grep(checkout, ['-F', '-e', name]))
  const definitions = words.map((word) => grep(checkout, ['-E', '-i', '-e', definitionOf(word)]))
  const few = (await Promise.all(definitions)).filter((lines) => lines.length <= MOST_DEFINITIONS)
  const all = [...few, ...(await Promise.all(uses))].filter((lines) => lines.length > 0)
  const rarest = all.toSorted((one, other) => one.length - other.length)
  const shown = rarest.flatMap((lines) => lines.slice(0, HITS_EACH)).map((line) => line.slice(0, MAX_LINE))
  return [...new Set(shown)].slice(0, MAX_HITS)
}

/** What tells of changes names everything, and is changed for nothing. */
const HISTORIES = ['CHANGE*', 'HISTORY*', 'NEWS*', 'RELEASE*'].map((name) => `:(exclude,icase,glob)**/${name}`)

async function grep(checkout: Checkout, pattern: readonly string[]): Promise<string[]> {
  const { exitCode, output } = await checkout.run(
    ['git', 'grep', '-n', '-I', '--no-color', ...pattern, '--', '.', ...HISTORIES],
    {
      timeoutMs: 30_000,
      maxOutput: 100_000,
    },
  )
  return exitCode === 0 ? output.split('\n').filter(Boolean) : []
}

/** Lines that define something of this name, as most languages write it. */
function definitionOf(word: string): string {
  return `(def|function|class|func|fn|const|let|var|type|interface|struct|enum|trait|module|public|private|static)[ \t]+[A-Za-z_. ]{0,30}${word}`
}

/** Small files are shown whole, of larger ones the lines that matter and some around them. */
const WHOLE_FILE = 9000
const AROUND = 12
const MAX_EXCERPTS = 30_000

/** What the design names, as it stands: nobody has to read again what is known to matter. @param sha the commit that the change begins with */
export async function excerpts({ git, task, nonce }: StepContext, design: Design, sha: string): Promise<string> {
  const shown: string[] = []
  let size = 0
  for (const { path, lines } of design.files) {
    const text = await git.show(task.origin.repository, sha, path)
    if (text === undefined) continue
    const part = excerptOf(path, text, lines)
    size += part.length
    if (size > MAX_EXCERPTS) break
    shown.push(part)
  }
  if (shown.length === 0) return ''
  return `## Files that the design names, as they are in your clone\n\n${codeBlock('files', shown.join('\n\n'), nonce)}`
}

function excerptOf(path: string, text: string, lines: string | undefined): string {
  const all = (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n')
  const isWhole = text.length <= WHOLE_FILE
  if (!isWhole && lines === undefined) return `${path} has ${all.length} lines: read what you need of it`
  const parts = isWhole ? [{ first: 1, last: all.length }] : rangesIn(lines ?? '', all.length)
  const shown = parts.map(({ first, last }) => {
    const numbered = all.slice(first - 1, last).map((line, nth) => `${first + nth}\t${line.slice(0, 2000)}`)
    return `${path}, lines ${first} to ${last} of ${all.length}\n${numbered.join('\n')}`
  })
  return shown.join('\n\n')
}

/** Ranges of lines with some around each; what touches is one. */
function rangesIn(text: string, count: number): { first: number; last: number }[] {
  const all = text.split(',').map((part) => {
    const [from = 1, to = from] = part.split('-').filter(Boolean).map(Number)
    return { first: Math.max(1, from - AROUND), last: Math.min(count, to + AROUND) }
  })
  const joined: { first: number; last: number }[] = []
  for (const one of all.toSorted((a, b) => a.first - b.first)) {
    const before = joined.at(-1)
    if (before && one.first <= before.last + 1) before.last = Math.max(before.last, one.last)
    else joined.push({ ...one })
  }
  return joined
}
