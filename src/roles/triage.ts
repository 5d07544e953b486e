import { judged, known, type Reproduced, unjudged } from '../core/ci/judge.ts'
import { type FailedCheck, type JudgedCheck, type Judgement, Judgements } from '../core/ci/types.ts'
import type { Run } from '../core/artefacts.ts'
import type { Checks } from '../core/checks.ts'
import { digestOf } from '../core/digest.ts'
import { UserError } from '../core/errors.ts'
import { clip, codeBlock, quoteBlock } from '../core/sanitise.ts'
import type { Checkout } from '../workspace/types.ts'
import { charter, finished, houseRules, requestText } from './prompt.ts'
import { BASE_TAG } from './sd.ts'
import { testsText } from './tests.ts'
import type { StepContext } from './types.ts'
import { evidence, withCheckout } from './workspace.ts'

/** QA looks into checks of the team's CI that failed on Muster's own pull request. */

const MOST_LOG = 9000
const MOST_OUTPUT = 3000

export async function triage(context: StepContext) {
  const { task } = context
  const checks = unjudged(task.failedChecks, task.judgedChecks ?? [], task.headSha)
  const open = checks.filter((check) => known(check) === undefined)
  const said = open.length > 0 ? await asked(context, open) : []
  const all: JudgedCheck[] = []
  for (const check of checks) all.push(known(check) ?? (await judgedByHost(context, check, said)))
  return { kind: 'triage', judged: all } as const
}

async function judgedByHost(
  context: StepContext,
  check: FailedCheck,
  said: readonly Judgement[],
): Promise<JudgedCheck> {
  const mine = said.find(({ name }) => name === check.name)
  const seen = mine?.command ? await reproduced(context, mine.command) : undefined
  return judged(check, mine, seen, context.task.judgedChecks ?? [])
}

async function asked(context: StepContext, checks: readonly FailedCheck[]): Promise<readonly Judgement[]> {
  const { headSha, baseSha } = commits(context)
  const ask = async (checkout: Checkout, commands: Checks) => {
    await checkout.run(['git', 'tag', BASE_TAG, baseSha])
    return finished(
      await context.agent({
        tier: 'general',
        permissions: ['read', 'write', 'run'],
        checkout,
        system: await houseRules(context, baseSha),
        prompt: await promptOf(context, checkout, commands, checks),
        version: charter('triage').version,
        artefact: Judgements,
      }),
    )
  }
  return (await withCheckout(context, headSha, ask)).checks
}

async function promptOf(
  context: StepContext,
  checkout: Checkout,
  commands: Checks,
  checks: readonly FailedCheck[],
): Promise<string> {
  const { task, nonce } = context
  const { baseSha } = commits(context)
  const diff = ['git', 'diff', '-U3', '--no-ext-diff', '--no-textconv', `${baseSha}...HEAD`]
  const { output } = await checkout.run(diff)
  const again = new Set(
    (task.judgedChecks ?? []).filter(({ headSha }) => headSha === task.headSha).map(({ name }) => name),
  )
  const shown = checks.map(
    ({ name, text }) =>
      `## The check "${name.slice(0, 100).replaceAll('\n', ' ')}"${again.has(name) ? ' (run once more, and failed again)' : ''}\n\n${quoteBlock('check', clip(text, MOST_LOG), nonce)}`,
  )
  return [
    charter('triage').text,
    requestText(task, nonce),
    `## The change\n\n${codeBlock('diff', clip(output, 30_000), nonce)}`,
    ...shown,
    testsText(context, commands, baseSha),
    'Say of each check why it failed.',
  ].join('\n\n')
}

/** The command on the head and, where it fails there, on the commit that the change began with. */
async function reproduced(context: StepContext, command: string): Promise<Reproduced | undefined> {
  const { headSha, baseSha } = commits(context)
  const at = (sha: string) =>
    withCheckout(context, sha, (checkout) => evidence(checkout, command, context.task.settings.checks.timeoutSeconds))
  const head = await at(headSha)
  if (head.exitCode === 0) return undefined
  const base = await at(baseSha)
  const short = (run: Run) => ({ ...run, output: digestOf(run.output, MOST_OUTPUT) })
  return { head: short(head), base: short(base) }
}

function commits({ task: { headSha, baseSha } }: StepContext) {
  if (!headSha || !baseSha) throw new UserError('no_head', 'There is no change to look at.')
  return { headSha, baseSha }
}
