import { mapOf, namesIn } from '../core/map.ts'
import type { Design } from '../core/artefacts.ts'
import type { Task } from '../core/task/types.ts'
import type { Checkout } from '../workspace/types.ts'
import type { StepContext } from './types.ts'

/** What a role is shown of a repository before it looks itself: whoever sees it at once needs no turn for it. */

const MAX_HITS = 24
const MAX_LINE = 200

/** The files, and where the names of the request stand. */
export async function surroundings(
  { task, nonce }: Pick<StepContext, 'task' | 'nonce'>,
  checkout: Checkout,
): Promise<string> {
  const { output } = await checkout.run(['git', 'ls-files'], { maxOutput: 4_000_000 })
  const paths = output.split('\n').filter(Boolean)
  const hits = await whereNamed(task, checkout)
  return [
    `## The files\n\n${inBlock(mapOf(paths), nonce)}`,
    ...(hits.length > 0 ? [`## Where names of the request stand\n\n${inBlock(hits.join('\n'), nonce)}`] : []),
  ].join('\n\n')
}

async function whereNamed({ origin }: Task, checkout: Checkout): Promise<string[]> {
  const names = namesIn([origin.title, origin.body, origin.request ?? ''].join('\n'))
  if (names.length === 0) return []
  const patterns = names.flatMap((name) => ['-e', name])
  const { exitCode, output } = await checkout.run(
    ['git', 'grep', '-n', '-I', '-F', '--no-color', '--max-depth=12', '-m', '4', ...patterns, '--', '.'],
    { timeoutMs: 30_000, maxOutput: 200_000 },
  )
  if (exitCode !== 0) return []
  const lines = output.split('\n').filter(Boolean)
  const shown = lines.slice(0, MAX_HITS).map((line) => line.slice(0, MAX_LINE))
  return lines.length > MAX_HITS ? [...shown, `(${lines.length - MAX_HITS} more)`] : shown
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
  return `## Files that the design names, as they are in your clone\n\n${inBlock(shown.join('\n\n'), nonce)}`
}

/** Code keeps what prose would lose: comments, entities, attributes. */
function inBlock(text: string, nonce: string): string {
  return `<files-${nonce}>\n${text.replaceAll(nonce, '')}\n</files-${nonce}>`
}

function excerptOf(path: string, text: string, lines: string | undefined): string {
  const all = (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n')
  const [from = 1, to = from] = (lines ?? '').split('-').filter(Boolean).map(Number)
  const isWhole = text.length <= WHOLE_FILE
  const [first, last] = isWhole ? [1, all.length] : [Math.max(1, from - AROUND), Math.min(all.length, to + AROUND)]
  if (!isWhole && lines === undefined) return `${path} has ${all.length} lines: read what you need of it`
  const shown = all.slice(first - 1, last).map((line, nth) => `${first + nth}\t${line.slice(0, 2000)}`)
  return `${path}, lines ${first} to ${last} of ${all.length}\n${shown.join('\n')}`
}
