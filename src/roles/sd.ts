import { type Patch, PatchNote, type ReviewAnswer, ReworkNote } from '../core/artefacts.ts'
import { type Checks, isTestFile, withFiles } from '../core/checks.ts'
import { UserError } from '../core/errors.ts'
import { clip, quoteBlock } from '../core/sanitise.ts'
import type { ReworkReason } from '../core/task/types.ts'
import type { AgentOutcome } from '../agent/types.ts'
import type { ToolOutput } from '../tools/types.ts'
import type { Checkout } from '../workspace/types.ts'
import { charter, designText, finished, instructionsOf, requestText, specText } from './prompt.ts'
import { BudgetReached, type RoleModule, type StepContext } from './types.ts'
import { evidence, withCheckout } from './workspace.ts'

/** SD: makes the change, and mends it after a failed proof, a review or a failed check. */
export const sd: RoleModule = { role: 'sd', handlers: { build, rework } }

async function build(context: StepContext) {
  const { task, git } = context
  const { repository } = task.origin
  const main = await git.resolve(repository, repository.defaultBranch)
  const parentSha = task.wip?.sha ?? main
  const continued = task.wip ? '\n\nThe budget ran out in an earlier attempt; its unfinished work is already in your clone. Look at it first (`git log -p -1`), then go on.' : ''
  const prompt = `${plan(context)}${continued}\n\nMake the change.`
  return work(context, { main, parentSha, prompt, artefact: PatchNote, comments: [] })
}

async function rework(context: StepContext) {
  const { task, git, step } = context
  const { repository } = task.origin
  if (!task.headSha || !step.rework) throw new UserError('no_head', 'There is no branch to work on.')
  const main = await git.resolve(repository, repository.defaultBranch)
  const prompt = `${plan(context)}\n\nYour clone has the branch as it stands in the pull request.\n\n${reasonText(step.rework)}`
  const comments = step.rework.why === 'review' ? step.rework.comments.map((comment) => comment.id) : []
  return work(context, { main, parentSha: task.headSha, prompt, artefact: ReworkNote, comments })
}

function plan({ task }: StepContext): string {
  return [requestText(task), task.spec ? specText(task.spec) : '', task.design ? designText(task.design) : ''].join('\n\n')
}

function reasonText(reason: ReworkReason): string {
  const nonce = Math.random().toString(36).slice(2, 10)
  switch (reason.why) {
    case 'proof': {
      const runs = [reason.proof.red, reason.proof.green, reason.proof.suite].filter((run) => run !== undefined)
      const shown = runs.map((run) => `$ ${run.command}\nexit code ${run.exitCode}\n${clip(run.output, 6000)}`).join('\n\n')
      return `## QA could not prove the change\n\n${reason.proof.verdict.reasons.map((line) => `- ${line}`).join('\n')}\n\n${quoteBlock('evidence', shown, nonce)}\n\nMend it.`
    }
    case 'review': {
      const shown = reason.comments.map((comment) => quoteBlock('comment', `id ${comment.id}, by ${comment.author.login}${comment.path ? `, on ${comment.path}${comment.line ? ` line ${comment.line}` : ''}` : ''}:\n${comment.body}`, nonce))
      return `## Review comments\n\n${shown.join('\n\n')}\n\nTake them one by one: do what is asked (outcome fixed), answer a question (answered), or decline with the reason (declined). Give an answer for every id.`
    }
    case 'check':
      return `## The check "${reason.name.slice(0, 100)}" failed on the pull request\n\n${quoteBlock('check', clip(reason.text, 10_000), nonce)}\n\nFind the cause and mend it.`
  }
}

interface Work<T> {
  readonly main: string
  readonly parentSha: string
  readonly prompt: string
  readonly artefact: typeof PatchNote | typeof ReworkNote
  /** Ids of the review comments that want an answer. */
  readonly comments: readonly T[]
}

type Note = PatchNote & { answers?: readonly ReviewAnswer[] }

async function work(context: StepContext, input: Work<number>) {
  const { task, git, agent } = context
  const system = charter('sd', await instructionsOf(context, input.main))
  const baseSha = await git.mergeBase(task.origin.repository, input.parentSha, input.main)
  const patch = await withCheckout(context, input.parentSha, async (checkout, checks) => {
    const commands = `\n\nThe whole suite is run by: ${checks.test ?? '(no command is known)'}${checks.testFiles ? `\nSingle test files by: ${checks.testFiles}` : ''}`
    const check = (note: Note) => objection(context, checkout, checks, note, input.comments)
    const outcome: AgentOutcome<Note> = await agent({ tier: 'complex', permissions: ['read', 'write', 'run'], checkout, system, prompt: input.prompt + commands, artefact: input.artefact, check })
    const { diff, files } = await checkout.diff()
    const made = (note: Note): Patch => ({ note, answers: note.answers ?? [], parentSha: input.parentSha, baseSha, diff, files })
    if (outcome.kind === 'budget') throw new BudgetReached(made({ title: 'Work in progress', summary: 'Unfinished: the budget was reached.', notDone: '', testFiles: [] }))
    return made(finished(outcome))
  })
  return { kind: 'patch', patch } as const
}

/** What the host checks before it takes the result: every comment answered, a test of its own, and the suite. */
async function objection({ task }: StepContext, checkout: Checkout, checks: Checks, note: Note, comments: readonly number[]): Promise<ToolOutput | undefined> {
  const missing = comments.filter((id) => !note.answers?.some((answer) => answer.id === id))
  if (missing.length > 0) return { text: `answers are missing for the comments ${missing.join(', ')}`, isError: true }
  const { files } = await checkout.diff()
  if (files.length === 0) return undefined
  const tests = files.filter(isTestFile)
  if (!task.headSha && tests.length === 0) return { text: 'the change has no test; add one that fails without the change, in a file that the test runner finds', isError: true }
  const { timeoutSeconds } = task.settings.checks
  const commands = [tests.length > 0 && checks.testFiles ? withFiles(checks.testFiles, tests) : undefined, checks.test].filter((command) => command !== undefined)
  for (const command of commands) {
    const run = await evidence(checkout, command, timeoutSeconds)
    if (run.exitCode !== 0) return { text: clip(`the tests do not pass: exit code ${run.exitCode} from ${command}\n${run.output}`), isError: true }
  }
  return undefined
}
