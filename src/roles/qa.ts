import { type Proof, ProofNote, type Run } from '../core/artefacts.ts'
import { goneOnFrom } from '../core/baseline.ts'
import { annotationsOf, belongsToTests, type Checks, isTestFile, withFiles } from '../core/checks.ts'
import { digestOf } from '../core/digest.ts'
import { UserError } from '../core/errors.ts'
import type { Composed } from '../core/inline.ts'
import { compared } from '../core/failures.ts'
import { judgeProof, mayBeReviewed } from '../core/proof.ts'
import { clip, codeBlock, quoteBlock } from '../core/sanitise.ts'
import type { Task } from '../core/task/types.ts'
import { stepOf } from '../core/task/steps.ts'
import type { Checkout } from '../workspace/types.ts'
import { charter, finished, houseRules, numberOf, requestText, specText } from './prompt.ts'
import type { RoleModule, StepContext } from './types.ts'
import { suiteOn, testsAsTheyAre } from './baseline.ts'
import { inlineTests, putInto } from './inline.ts'
import { critique, review } from './review.ts'
import { survey } from './survey.ts'
import { triage } from './triage.ts'
import { evidence, withCheckout } from './workspace.ts'

/** QA: proves a head from fresh clones, without SD's tree. */
export const qa = { role: 'qa', handlers: { baseline, prove, review, critique, triage, survey } } satisfies RoleModule

async function baseline(context: StepContext) {
  return { kind: 'baseline', baseline: await testsAsTheyAre(context) } as const
}

interface Case {
  readonly context: StepContext
  readonly baseSha: string
  readonly headSha: string
  /** Test files of the change, which a runner runs, and files that the tests read. */
  readonly tests: readonly string[]
  readonly support: readonly string[]
  /** Source files as they were, with the change's tests inside. */
  readonly inline: readonly Composed[]
}

async function prove(context: StepContext) {
  const { task, git } = context
  const { baseSha, headSha } = task
  if (!baseSha || !headSha) throw new UserError('no_head', 'There is no change to prove.')
  await git.resolve(task.origin.repository, headSha)
  const changed = await git.changedFiles(task.origin.repository, baseSha, headSha)
  const tests = changed.filter(isTestFile)
  const support = changed.filter((path) => belongsToTests(path) && !isTestFile(path))
  const inline = await inlineTests(changed, (side, path) =>
    git.show(task.origin.repository, side === 'base' ? baseSha : headSha, path),
  )
  const input: Case = { context, baseSha, headSha, tests, support, inline }
  const base = await onBase(input)
  const { files, ...head } = await onHead(input, base)
  const seen = { testFiles: tests, support: besides(input), ...base, ...head, ...goneOn(task) }
  const failing = [seen.green, seen.suite].filter((run) => run !== undefined && run.exitCode !== 0)
  const annotations = failing.flatMap((run) => annotationsOf(run?.output ?? '', files))
  const { before: _, goneOn: __, ...kept } = seen
  const proof: Proof = { headSha, baseSha, ...kept, annotations, verdict: judgeProof(seen) }
  return { kind: 'proof', proof } as const
}

interface OnBase {
  readonly red: Run | undefined
  readonly before: Run | undefined
}

/** What cannot be run by itself, so that the whole suite is: files that tests read may matter to any of them. */
function besides({ support, inline }: Case): string[] {
  return [...support, ...inline.map(({ path }) => path)]
}

/** The new tests without the change: the head's test files on the base's code. */
async function onBase(input: Case): Promise<OnBase> {
  const { context, baseSha, headSha, tests, support, inline } = input
  const isWhole = besides(input).length > 0
  if (tests.length === 0 && !isWhole) return { red: undefined, before: undefined }
  return withCheckout(context, baseSha, async (checkout, checks) => {
    const runAll = (files: readonly string[]) =>
      isWhole ? runSuite(context, checkout, checks) : runTests(context, checkout, checks, files)
    const old = await existing(checkout, tests)
    const before = old.length > 0 || isWhole ? await runAll(old) : undefined
    // Removed test files fail to be taken over, which is as it should be: they are not there to be run.
    const take = 'for file; do git checkout --quiet "$0" -- "$file" 2>/dev/null || rm -f -- "$file"; done'
    const taken = await checkout.run(['/bin/sh', '-c', take, headSha, ...tests, ...support])
    if (taken.exitCode !== 0)
      throw new UserError('take_over_failed', 'The new tests could not be put onto the base.', {
        cause: new Error(taken.output),
      })
    await checkout.fillFrom(headSha, [...tests, ...support])
    await putInto(checkout, inline)
    return { red: await runAll(await existing(checkout, tests)), before }
  })
}

interface OnHead {
  readonly green: Run | undefined
  readonly suite: Run | undefined
  readonly baseline: Run | undefined
  readonly note: ProofNote | undefined
  readonly files: ReadonlySet<string>
}

async function onHead(input: Case, base: OnBase): Promise<OnHead> {
  const { context, headSha, tests } = input
  const support = besides(input)
  return withCheckout(context, headSha, async (checkout, checks) => {
    const suite = await runSuite(context, checkout, checks)
    const here = await existing(checkout, tests)
    const green =
      support.length > 0 ? suite : here.length > 0 ? await runTests(context, checkout, checks, here) : undefined
    const files = new Set((await checkout.run(['git', 'ls-files'], { maxOutput: 4_000_000 })).output.split('\n'))
    // Red may have been red before: then it must not get worse.
    const baseline = suite && suite.exitCode !== 0 ? await suiteOnBase(input, base) : undefined
    const seen = {
      testFiles: tests,
      support,
      ...base,
      green,
      suite,
      baseline,
      note: undefined,
      ...goneOn(context.task),
    }
    const note = mayBeReviewed(judgeProof(seen))
      ? await judgeCriteria(context, checkout, [
          ['New and changed tests on the base', base.red],
          ['New and changed tests on the head', green],
          ...suites(suite, baseline),
        ])
      : undefined
    return { green, suite, baseline, note, files }
  })
}

/** What was red before and is red in the same way says nothing of the change, and is told in a line. */
function suites(suite: Run | undefined, baseline: Run | undefined): (readonly [string, Run | undefined])[] {
  const isSame = suite && baseline && compared(suite, baseline).kind === 'same'
  if (!isSame)
    return [
      ['The whole suite on the head', suite],
      ...(baseline ? [['The whole suite on the base, before the change', baseline] as const] : []),
    ]
  const failures = suite.failures ?? []
  const output = `${failures.length} fail, the same as on the base: ${failures.slice(0, 10).join('; ')}`
  return [['The whole suite on the head', { ...suite, output, failures: [] }]]
}

function suiteOnBase(input: Case, { before }: OnBase): Promise<Run | undefined> {
  return besides(input).length > 0 ? Promise.resolve(before) : suiteOn(input.context, input.baseSha)
}

/** Who goes on although the tests could not be run. */
function goneOn({ baseline, settings }: Task): { readonly goneOn?: string | undefined } {
  return { goneOn: goneOnFrom(baseline, settings.checks)?.by }
}

async function runSuite({ task }: StepContext, checkout: Checkout, { test }: Checks): Promise<Run | undefined> {
  return test ? evidence(checkout, test, task.settings.checks.timeoutSeconds) : undefined
}

async function existing(checkout: Checkout, files: readonly string[]): Promise<string[]> {
  const { output } = await checkout.run([
    '/bin/sh',
    '-c',
    'for file; do [ -f "$file" ] && printf "%s\\n" "$file"; done; true',
    'sh',
    ...files,
  ])
  return output.split('\n').filter(Boolean)
}

async function runTests(
  { task }: StepContext,
  checkout: Checkout,
  checks: Checks,
  tests: readonly string[],
): Promise<Run | undefined> {
  const command = checks.testFiles && tests.length > 0 ? withFiles(checks.testFiles, tests) : checks.test
  return command ? evidence(checkout, command, task.settings.checks.timeoutSeconds) : undefined
}

async function judgeCriteria(
  context: StepContext,
  checkout: Checkout,
  runs: readonly (readonly [string, Run | undefined])[],
): Promise<ProofNote> {
  const { task, agent, nonce } = context
  const { text, version } = charter('qa')
  const { output } = await checkout.run([
    'git',
    'diff',
    '-U6',
    '--no-ext-diff',
    '--no-textconv',
    `${task.baseSha}...HEAD`,
  ])
  const shown = runs.map(
    ([title, run]) => `## ${title}\n\n${run ? codeBlock('output', shownOf(run), nonce) : 'not run'}`,
  )
  const prompt = [
    text,
    requestText(task, nonce),
    task.spec ? specText(task.spec) : '',
    `## The change\n\n${codeBlock('diff', clip(output, 30_000), nonce)}`,
    ...shown,
    ...fixedComments(task, nonce),
    'Answer every acceptance criterion by its number.',
  ].join('\n\n')
  const system = await houseRules(context, task.baseSha ?? 'HEAD')
  return finished(
    await agent({
      tier: isSmallAndSafe(task) ? 'simple' : 'general',
      // As long as the work: it is judged from what is shown.
      permissions: isSmallAndSafe(task) ? [] : ['read'],
      checkout,
      system,
      prompt,
      version,
      artefact: ProofNote,
    }),
  )
}

/** A small change of little risk, of which no proof has failed. */
function isSmallAndSafe(task: Task): boolean {
  return task.spec?.risk === 'low' && task.proofs.length === 0 && stepOf(task, 'plan') !== undefined
}

/** Of a run that passed, its end says enough; of one that failed, how each test began to. */
function shownOf({ command, exitCode, output, failures = [] }: Run): string {
  const head = `$ ${command}\nexit code ${exitCode}`
  if (exitCode === 0) return `${head}\n${output.trimEnd().split('\n').slice(-6).join('\n').slice(-800)}`
  const names = failures.length > 0 ? `\nfailing: ${failures.slice(0, 30).join('; ')}` : ''
  return `${head}${names}\n${digestOf(output, 3000)}`
}

/** Comments that SD says are fixed: QA looks whether they are. */
function fixedComments(task: Task, nonce: string): string[] {
  const fixed = task.review.ledger.filter((entry) => entry.outcome === 'fixed')
  if (fixed.length === 0) return []
  const shown = fixed.map((entry) =>
    quoteBlock(
      'comment',
      `Review comment ${numberOf(task, entry.comment)}${entry.comment.path ? `, on ${entry.comment.path}` : ''}:\n${entry.comment.body}`,
      nonce,
    ),
  )
  return [`## Review comments that SD says are fixed\n\n${shown.join('\n\n')}`]
}
