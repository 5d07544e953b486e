import { type Kept, Review, type Reviewed } from '../core/review/findings.ts'
import { mapOf } from '../core/map.ts'
import { shownIn } from '../core/review/hunks.ts'
import { portionOf } from '../core/review/portion.ts'
import { sift, type Tried } from '../core/review/sift.ts'
import { UserError } from '../core/errors.ts'
import type { Checks } from '../core/checks.ts'
import { codeBlock, quoteBlock } from '../core/sanitise.ts'
import type { Checkout } from '../workspace/types.ts'
import { charter, finished, houseRules, requestText, specText } from './prompt.ts'
import { testsText } from './tests.ts'
import type { StepContext } from './types.ts'
import { SetupFailed, withCheckout } from './workspace.ts'
import { tryFindings } from './tries.ts'

/** QA looks at somebody's pull request: what a model finds, sifted by what its own tests say. */

/** The commits that a look is about. */
export interface Heads {
  readonly headSha: string
  /** Where it left what it goes into. */
  readonly baseSha: string
  /** The newest commit in it that people have merged: what a set-up with network may run. */
  readonly trusted: string
  /** Of the default branch, for the repository's instructions. */
  readonly trunk: string
}

const SHOWN_DIFF = 80_000

export async function review(context: StepContext) {
  const heads = await headsOf(context)
  const reviewed = await lookAt(context, heads)
  return { kind: 'review', reviewed } as const
}

/** Muster's own change, looked at by somebody who was not there when it was made. */
export async function critique(context: StepContext) {
  const { headSha, baseSha } = context.task
  if (!headSha || !baseSha) throw new UserError('no_head', 'There is no change to look at.')
  await context.git.resolve(context.task.origin.repository, headSha)
  const reviewed = await lookAt(context, { headSha, baseSha, trusted: baseSha, trunk: baseSha })
  return { kind: 'review', reviewed } as const
}

async function headsOf({ task, git }: StepContext): Promise<Heads> {
  const { repository, number, pull } = task.origin
  if (!pull) throw new UserError('no_pull_request', 'There is no pull request to look at here.')
  const headSha = await git.resolve(repository, `refs/pull/${number}/head`)
  const trunk = await git.resolve(repository, repository.defaultBranch)
  const into = pull.base === repository.defaultBranch ? trunk : await git.resolve(repository, pull.base)
  const baseSha = await git.mergeBase(repository, headSha, into)
  return { headSha, baseSha, trusted: await git.mergeBase(repository, headSha, trunk), trunk }
}

async function lookAt(context: StepContext, heads: Heads): Promise<Reviewed> {
  const { headSha, baseSha } = heads
  const { found, diff } = headSha === baseSha ? NO_CHANGE : await asked(context, heads)
  const { outcomes, standing } = await tryFindings(context, heads, found?.findings ?? [])
  if (!found) return { headSha, baseSha, findings: [], left: [], standing, looked: '' }
  const tried: Tried[] = []
  for (const finding of found.findings)
    tried.push({ finding, outcome: outcomes.get(finding), anchor: await anchorOf(context, headSha, finding) })
  return { ...sift(tried, shownIn(diff)), headSha, baseSha, standing, looked: found.looked }
}

interface Asked {
  /** Undefined where nothing is changed. */
  readonly found: Review | undefined
  readonly diff: string
}

const NO_CHANGE: Asked = { found: undefined, diff: '' }

/** What a model makes of it, in a clone where it may try things. Where that cannot be set up, it reads. */
async function asked(context: StepContext, heads: Heads): Promise<Asked> {
  const options = { base: heads.trusted }
  const look = (checkout: Checkout, checks: Checks) => ask(context, heads, checkout, checks)
  try {
    return await withCheckout(context, heads.headSha, look, options)
  } catch (error) {
    if (!(error instanceof SetupFailed)) throw error
    const reading = { ...options, isReadOnly: true }
    return withCheckout(context, heads.headSha, look, reading)
  }
}

async function ask(context: StepContext, heads: Heads, checkout: Checkout, checks: Checks): Promise<Asked> {
  const { agent, task, nonce } = context
  const diff = await diffIn(checkout, heads)
  if (diff.trim() === '') return { found: undefined, diff }
  const system = await houseRules(context, heads.trunk)
  const { text, version } = charter('review')
  const prompt = [
    text,
    requestText(task, nonce),
    ...(task.spec ? [specText(task.spec)] : []),
    await changeText(checkout, heads, diff, nonce),
    ...(await earlierText(context, checkout, heads)),
    await filesText(context, checkout),
    checks.test
      ? testsText(context, checks, heads.baseSha)
      : 'How the tests of this repository are run is not known: no finding can have one.',
    'Look at the pull request.',
  ].join('\n\n')
  const permissions = ['read', 'write', 'run'] as const
  const outcome = await agent({ tier: 'complex', permissions, checkout, system, prompt, version, artefact: Review })
  return { found: finished(outcome), diff }
}

/** What the pull request says of its own files must not hide them: what is binary is told from the content. */
const SHOW_ALL = "mkdir -p .git/info && printf '* !diff\\n' > .git/info/attributes"

/** As GitHub shows it: what remarks may stand at. */
async function diffIn(checkout: Checkout, { headSha, baseSha }: Heads): Promise<string> {
  await checkout.run(['/bin/sh', '-c', SHOW_ALL])
  const args = ['git', '-c', 'core.quotePath=false', 'diff', '--no-color', '--no-ext-diff', '--no-textconv', '-M', '-D']
  const { exitCode, output } = await checkout.run([...args, '-U3', baseSha, headSha, '--'], { maxOutput: 4_000_000 })
  if (exitCode !== 0) throw new UserError('diff_failed', 'What the pull request changes could not be read.')
  return output
}

async function changeText(checkout: Checkout, heads: Heads, diff: string, nonce: string): Promise<string> {
  const { baseSha, headSha } = heads
  const { output } = await checkout.run(['git', 'diff', '--stat=120', '--no-ext-diff', '-M', baseSha, headSha, '--'])
  const { text, left } = portionOf(diff, SHOWN_DIFF)
  return [
    `## The change (${baseSha.slice(0, 7)} to ${headSha.slice(0, 7)}; your clone is at the latter)`,
    codeBlock('files', output.trim(), nonce),
    codeBlock('diff', text, nonce),
    ...(left.length > 0
      ? [`Not shown here, read what matters of it: ${quoteBlock('files', left.join('\n'), nonce)}`]
      : []),
  ].join('\n\n')
}

/** What was said of it before, and what came since. */
async function earlierText({ task, nonce }: StepContext, checkout: Checkout, { headSha }: Heads): Promise<string[]> {
  const reviews = task.reviews ?? []
  const last = reviews.at(-1)
  if (!last) return []
  const said = reviews.flatMap(({ findings, headSha: at }) => findings.map((one) => lineOf(one, at)))
  const args = ['git', 'diff', '--no-color', '--no-ext-diff', '--no-textconv', '-M', '-D', last.headSha, headSha, '--']
  const { exitCode, output } = await checkout.run(args, { maxOutput: 4_000_000 })
  const since =
    exitCode === 0 ? portionOf(output, SHOWN_DIFF / 4).text : 'It cannot be told: the branch was written anew.'
  return [
    `## Since the last look, at ${last.headSha.slice(0, 7)} (what is new matters most)\n\n${codeBlock('since', since, nonce)}`,
    `## Said in earlier looks (never again; the host runs their tests itself and tells whether they are mended)\n\n${codeBlock('findings', said.join('\n') || '(none)', nonce)}`,
  ]
}

async function filesText({ nonce }: StepContext, checkout: Checkout): Promise<string> {
  const { output } = await checkout.run(['git', 'ls-files'], { maxOutput: 4_000_000 })
  return `## The files\n\n${codeBlock('files', mapOf(output.split('\n').filter(Boolean)), nonce)}`
}

function lineOf({ path, from, title }: Kept, headSha: string): string {
  return `${path}:${from} at ${headSha.slice(0, 7)}: ${title}`
}

async function anchorOf({ git, task }: StepContext, sha: string, { path, from }: { path: string; from: number }) {
  const text = await git.show(task.origin.repository, sha, path)
  return (text?.split('\n')[from - 1] ?? '').trim().slice(0, 300)
}
