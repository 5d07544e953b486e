import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { belongsToTests, checksOf, isTestFile, withFiles } from '../../src/core/checks.ts'
import { UserError } from '../../src/core/errors.ts'
import { rootFiles } from '../../src/roles/outfit.ts'
import { evidence } from '../../src/roles/workspace.ts'
import { asRepository, copyRepository, type LocalRepository, localRepository } from '../../src/workspace/local.ts'
import type { Machine, Sandbox } from '../../src/workspace/types.ts'
import { git } from '../github/git.ts'
import { type Bench, openBench, overlaid } from './score.ts'

export interface HistoryOptions {
  readonly repo: string
  /** So many cases at most. */
  readonly last: number
  /** Where they are written. */
  readonly cases: string
  readonly sandbox: Sandbox
  readonly machine: Machine
}

/** So many commits are looked at for each case that is wanted. */
const LOOKS = 30
const MAX_HIDDEN = 200

interface Fix {
  readonly sha: string
  readonly parent: string
  readonly subject: string
  readonly body: string
  readonly tests: readonly string[]
}

/** Makes cases of a repository's own history: changes whose tests fail before them and pass after. @returns how many */
export async function casesFromHistory(options: HistoryOptions, say: (line: string) => void): Promise<number> {
  const repository = await localRepository(options.repo)
  const dir = await mkdtemp(join(tmpdir(), 'muster-history-'))
  try {
    const bare = join(dir, 'copy.git')
    await copyRepository(repository, bare)
    let made = 0
    for (const fix of await candidates(bare, repository.branch, options.last * LOOKS)) {
      if (made >= options.last) break
      const verify = await provedBy(bare, fix, join(dir, fix.sha.slice(0, 12)), options)
      say(`${fix.sha.slice(0, 7)} ${fix.subject.slice(0, 80)}: ${typeof verify === 'string' ? 'a case' : verify.not}`)
      if (typeof verify !== 'string') continue
      await write(bare, fix, verify, repository, options.cases)
      made++
    }
    return made
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Commits (of merges, what they brought) that change tests and something else. */
async function candidates(bare: string, branch: string, most: number): Promise<Fix[]> {
  const listed = await git(bare, [
    'log',
    '--first-parent',
    `--max-count=${most}`,
    '--format=%H %P%x00%s%x00%b%x01',
    branch,
  ])
  const found: Fix[] = []
  for (const entry of listed.split('\u0001')) {
    const [ids = '', subject = '', body = ''] = entry.trim().split('\0')
    const [sha = '', parent] = ids.split(' ')
    if (!parent) continue
    const changed = (await git(bare, ['diff', '--name-only', '--diff-filter=AM', parent, sha]))
      .split('\n')
      .filter(Boolean)
    const tests = changed.filter(belongsToTests)
    if (tests.some(isTestFile) && tests.length < changed.length && tests.length <= MAX_HIDDEN)
      found.push({ sha, parent, subject, body, tests })
  }
  return found
}

/** The command by which the tests of a change fail before it and pass after. */
async function provedBy(
  bare: string,
  { sha, parent, tests }: Fix,
  dir: string,
  { sandbox, machine }: HistoryOptions,
): Promise<string | { readonly not: string }> {
  const bench = await openBench(bare, parent, { dir, sandbox, machine })
  const before = await overlaidTests(bare, parent, sha, tests, dir)
  const command = await commandFor(bench, before, tests.filter(isTestFile))
  if (!command) return { not: 'nobody knows how its tests are run' }
  const run = (at: string) =>
    bench.clone(at, (checkout) => evidence(checkout, command, bench.settings.checks.timeoutSeconds))
  if ((await run(before)).exitCode === 0) return { not: 'its tests pass without it' }
  if ((await run(sha)).exitCode !== 0) return { not: 'its tests fail with it, too' }
  return command
}

async function overlaidTests(
  bare: string,
  parent: string,
  sha: string,
  tests: readonly string[],
  dir: string,
): Promise<string> {
  const folder = join(dir, 'hidden')
  await writeFiles(bare, sha, tests, folder)
  return overlaid(bare, parent, folder)
}

async function commandFor(
  { git: over, settings }: Bench,
  sha: string,
  files: readonly string[],
): Promise<string | undefined> {
  const checks = checksOf(settings.checks, await rootFiles(over, asRepository('case', 'main'), sha))
  return checks.testFiles ? withFiles(checks.testFiles, files) : checks.test
}

/** Files of a commit, byte by byte. */
async function writeFiles(bare: string, sha: string, paths: readonly string[], folder: string): Promise<void> {
  const index = { GIT_INDEX_FILE: join(bare, 'hidden.index'), GIT_WORK_TREE: resolve(folder) }
  mkdirSync(folder, { recursive: true })
  await git(bare, ['read-tree', sha], index)
  await git(bare, ['checkout-index', '--force', '--', ...paths], index)
}

/** One case: the issue is what the commit says of itself, without what is only for machines. */
async function write(
  bare: string,
  fix: Fix,
  verify: string,
  repository: LocalRepository,
  cases: string,
): Promise<void> {
  const folder = join(cases, fix.sha.slice(0, 10))
  if (existsSync(folder))
    throw new UserError('case_there', `${folder} is there already.`, { hint: 'Choose another folder.' })
  await writeFiles(bare, fix.sha, fix.tests, join(folder, 'hidden'))
  const file = { verify, repository: repository.path, base: fix.parent }
  writeFileSync(join(folder, 'case.json'), `${JSON.stringify(file, null, 2)}\n`)
  const trailers = /^(?:signed-off-by|co-authored-by|reviewed-by|change-id|refs?|fix(?:es)?|close[sd]?):? .*$/gim
  writeFileSync(join(folder, 'issue.md'), `${fix.subject}\n\n${fix.body.replace(trailers, '').trim()}\n`)
}
