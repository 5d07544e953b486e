import type { Run } from '../core/artefacts.ts'
import { type Checks, isTestFile, withFiles } from '../core/checks.ts'
import { digestOf } from '../core/digest.ts'
import type { Evidence, Finding, Standing } from '../core/review/findings.ts'
import type { Tried } from '../core/review/sift.ts'
import type { Checkout } from '../workspace/types.ts'
import { putInto } from './inline.ts'
import type { StepContext } from './types.ts'
import { evidence, SetupFailed, withCheckout } from './workspace.ts'

/** What findings' own tests say, in fresh clones: whoever found them has no hand in these. */

const MOST_OUTPUT = 3000

interface Commits {
  readonly headSha: string
  readonly baseSha: string
  /** What a set-up with network may run. */
  readonly trusted: string
}

/** A finding with a test that can be run by itself. */
interface Testable {
  readonly finding: Finding
  readonly test: NonNullable<Finding['test']>
}

export interface Tries {
  /** What became of each finding whose test was run. */
  readonly outcomes: ReadonlyMap<Finding, Tried['outcome']>
  /** What became of what earlier looks found and showed by a test: each is run again on this head. */
  readonly standing: readonly Standing[]
}

/** Runs what earlier looks and this one have shown by a test, on the head in one clone, and what failed there without the change. */
export async function tryFindings(
  context: StepContext,
  { headSha, baseSha, trusted }: Commits,
  findings: readonly Finding[],
): Promise<Tries> {
  const shown = (context.task.reviews ?? []).flatMap((one) => one.findings.filter(({ evidence: seen }) => seen))
  const earlier = await testable(context, headSha, shown)
  const all = await testable(context, headSha, findings)
  const standing: Standing[] = []
  const outcomes = new Map<Finding, Tried['outcome']>()
  const onHead = async (checkout: Checkout, checks: Checks) => {
    for (const one of earlier) standing.push(...(await standingOf(context, checkout, checks, one)))
    for (const one of all) outcomes.set(one.finding, await tryOnHead(context, checkout, checks, one))
  }
  const onBase = async (checkout: Checkout, checks: Checks) => {
    for (const one of all) {
      const outcome = outcomes.get(one.finding)
      if (typeof outcome !== 'object') continue
      const run = await runTest(context, checkout, checks, one)
      if (run) outcomes.set(one.finding, { ...outcome, before: run.exitCode === 0 ? 'passes' : 'fails' })
    }
  }
  const inClone = (sha: string, use: typeof onHead) =>
    unlessUnset(() => withCheckout(context, sha, use, { base: trusted }))
  if (earlier.length + all.length > 0) await inClone(headSha, onHead)
  if ([...outcomes.values()].some((outcome) => typeof outcome === 'object')) await inClone(baseSha, onBase)
  return { outcomes, standing }
}

async function standingOf(
  context: StepContext,
  checkout: Checkout,
  checks: Checks,
  one: Testable,
): Promise<readonly Standing[]> {
  const run = await runTest(context, checkout, checks, one)
  const { title, path, from } = one.finding
  return run ? [{ title, path, from, isMended: run.exitCode === 0 }] : []
}

/** New files of the repository that a test runner runs. */
async function testable({ git, task }: StepContext, sha: string, findings: readonly Finding[]): Promise<Testable[]> {
  const found: Testable[] = []
  for (const finding of findings) {
    const { test } = finding
    const isPlain = test && !test.path.startsWith('/') && !test.path.split('/').includes('..') && isTestFile(test.path)
    if (!isPlain || (await git.show(task.origin.repository, sha, test.path)) !== undefined) continue
    found.push({ finding, test })
  }
  return found
}

/** What cannot be set up says nothing. */
async function unlessUnset(act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (!(error instanceof SetupFailed)) throw error
  }
}

async function tryOnHead(
  context: StepContext,
  checkout: Checkout,
  checks: Checks,
  one: Testable,
): Promise<Evidence | 'passed' | undefined> {
  const run = await runTest(context, checkout, checks, one)
  if (!run) return undefined
  if (run.exitCode === 0) return 'passed'
  const shown = { ...run, output: digestOf(run.output, MOST_OUTPUT) }
  const mended = await isMended(context, checkout, checks, one)
  return { run: shown, before: 'not run', ...(mended === undefined ? {} : { mended }) }
}

/** By itself, and gone afterwards: no other test sees it. */
async function runTest(
  { task }: StepContext,
  checkout: Checkout,
  { testFiles }: Checks,
  { test }: Testable,
): Promise<Run | undefined> {
  if (testFiles === undefined) return undefined
  await putInto(checkout, [{ path: test.path, text: test.content }])
  const run = await evidence(checkout, withFiles(testFiles, [test.path]), task.settings.checks.timeoutSeconds)
  await checkout.run(['rm', '-f', '--', test.path])
  return run
}

/** Whether the test passes with the lines that are suggested; undefined where there are none, or they are not there. */
async function isMended(
  context: StepContext,
  checkout: Checkout,
  checks: Checks,
  one: Testable,
): Promise<boolean | undefined> {
  const { path, replacement } = one.finding
  if (replacement === null) return undefined
  const before = await context.git.show(context.task.origin.repository, checkout.sha, path)
  const text = before === undefined ? undefined : replaced(before, one.finding, replacement)
  if (text === undefined) return undefined
  await putInto(checkout, [{ path, text }])
  const run = await runTest(context, checkout, checks, one)
  await checkout.run(['git', '-c', 'core.hooksPath=/dev/null', 'checkout', '--quiet', '--force', 'HEAD', '--', path])
  return run?.exitCode === 0
}

/** A file with its lines at fault as they should be; undefined where it has no such lines. */
function replaced(text: string, { from, to }: Finding, replacement: string): string | undefined {
  const lines = text.split('\n')
  if (from > to || to > lines.length) return undefined
  const mended = (replacement.endsWith('\n') ? replacement.slice(0, -1) : replacement).split('\n')
  return [...lines.slice(0, from - 1), ...mended, ...lines.slice(to)].join('\n')
}
