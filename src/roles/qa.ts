import { type Proof, ProofNote, type Run } from '../core/artefacts.ts'
import { annotationsOf, belongsToTests, type Checks, isTestFile, withFiles } from '../core/checks.ts'
import { UserError } from '../core/errors.ts'
import { judgeProof } from '../core/proof.ts'
import { clip, quoteBlock } from '../core/sanitise.ts'
import type { Task } from '../core/task/types.ts'
import type { Checkout } from '../workspace/types.ts'
import { charter, finished, instructionsOf, newNonce, numberOf, requestText, specText } from './prompt.ts'
import type { RoleModule, StepContext } from './types.ts'
import { evidence, withCheckout } from './workspace.ts'

/** QA: proves a head from fresh clones, without SD's tree. */
export const qa: RoleModule = { role: 'qa', handlers: { prove } }

interface Case {
  readonly context: StepContext
  readonly baseSha: string
  readonly headSha: string
  /** Files of the change that belong to the tests, and those of them that a runner runs. */
  readonly belong: readonly string[]
  readonly tests: readonly string[]
}

async function prove(context: StepContext) {
  const { task, git } = context
  const { baseSha, headSha } = task
  if (!baseSha || !headSha) throw new UserError('no_head', 'There is no change to prove.')
  await git.resolve(task.origin.repository, headSha)
  const changed = await git.changedFiles(task.origin.repository, baseSha, headSha)
  const input: Case = {
    context,
    baseSha,
    headSha,
    belong: changed.filter(belongsToTests),
    tests: changed.filter(isTestFile),
  }
  const { red, before } = await onBase(input)
  const { green, suite, note, files } = await onHead(input, red)
  const seen = { testFiles: input.tests, red, green, suite, note, before }
  const failing = [green, suite].filter((run) => run !== undefined && run.exitCode !== 0)
  const annotations = failing.flatMap((run) => annotationsOf(run?.output ?? '', files))
  const proof: Proof = {
    headSha,
    baseSha,
    testFiles: input.tests,
    red,
    green,
    suite,
    note,
    annotations,
    verdict: judgeProof(seen),
  }
  return { kind: 'proof', proof } as const
}

/** The new tests without the change: the head's test files on the base's code. */
async function onBase({
  context,
  baseSha,
  headSha,
  belong,
  tests,
}: Case): Promise<{ red: Run | undefined; before: Run | undefined }> {
  if (tests.length === 0) return { red: undefined, before: undefined }
  return withCheckout(context, baseSha, async (checkout, checks) => {
    const old = await existing(checkout, tests)
    const before = old.length > 0 ? await runTests(context, checkout, checks, old) : undefined
    // Removed test files fail to be taken over, which is as it should be: they are not there to be run.
    const take = 'for file; do git checkout --quiet "$0" -- "$file" 2>/dev/null || rm -f -- "$file"; done'
    const taken = await checkout.run(['/bin/sh', '-c', take, headSha, ...belong])
    if (taken.exitCode !== 0)
      throw new UserError('take_over_failed', 'The new tests could not be put onto the base.', {
        cause: new Error(taken.output),
      })
    return { red: await runTests(context, checkout, checks, await existing(checkout, tests)), before }
  })
}

async function onHead(
  { context, headSha, tests }: Case,
  red: Run | undefined,
): Promise<{ green: Run | undefined; suite: Run | undefined; note: ProofNote | undefined; files: Set<string> }> {
  return withCheckout(context, headSha, async (checkout, checks) => {
    const here = await existing(checkout, tests)
    const green = here.length > 0 ? await runTests(context, checkout, checks, here) : undefined
    const suite = checks.test
      ? await evidence(checkout, checks.test, context.task.settings.checks.timeoutSeconds)
      : undefined
    const files = new Set((await checkout.run(['git', 'ls-files'], { maxOutput: 4_000_000 })).output.split('\n'))
    const passes = green?.exitCode === 0 && suite?.exitCode === 0
    const note = passes
      ? await judgeCriteria(context, checkout, [
          ['New and changed tests on the base', red],
          ['New and changed tests on the head', green],
          ['The whole suite on the head', suite],
        ])
      : undefined
    return { green, suite, note, files }
  })
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
  const { task, agent } = context
  const nonce = newNonce()
  const { output } = await checkout.run(['git', 'diff', '--no-ext-diff', '--no-textconv', `${task.baseSha}...HEAD`])
  const shown = runs.map(
    ([title, run]) =>
      `## ${title}\n\n${run ? quoteBlock('output', `$ ${run.command}\nexit code ${run.exitCode}\n${clip(run.output, 8000)}`, nonce) : 'not run'}`,
  )
  const prompt = [
    requestText(task, nonce),
    task.spec ? specText(task.spec) : '',
    `## The change\n\n${quoteBlock('diff', clip(output, 30_000), nonce)}`,
    ...shown,
    ...fixedComments(task, nonce),
    'Answer every acceptance criterion by its number.',
  ].join('\n\n')
  const system = charter('qa', await instructionsOf(context, task.baseSha ?? 'HEAD'))
  return finished(
    await agent({ tier: 'general', permissions: ['read'], checkout, system, prompt, artefact: ProofNote }),
  )
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
