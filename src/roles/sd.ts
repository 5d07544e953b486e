import { type Patch, PatchNote, type ReviewAnswer, ReworkNote } from '../core/artefacts.ts'
import { goneOnFrom } from '../core/baseline.ts'
import type { Checks } from '../core/checks.ts'
import { digestOf } from '../core/digest.ts'
import { once } from '../core/once.ts'
import { UserError } from '../core/errors.ts'
import { cutLine } from '../core/harmless.ts'
import { type Slice, slicesOf } from '../core/slices.ts'
import { clip, codeBlock, quoteBlock, sanitise } from '../core/sanitise.ts'
import { stepOf } from '../core/task/steps.ts'
import type { ReviewComment, ReworkReason, Step, Task } from '../core/task/types.ts'
import type { AgentOutcome } from '../agent/types.ts'
import type { Checkout } from '../workspace/types.ts'
import { charter, designText, finished, houseRules, limitReached, numberOf, requestText, specText } from './prompt.ts'
import { BESIDE_CHANGE, TOGETHER } from './plan.ts'
import { objection } from './objection.ts'
import { excerpts } from './surroundings.ts'
import { testsText } from './tests.ts'
import { BudgetReached, type Part, type RoleModule, type StepContext } from './types.ts'
import { suiteOn } from './baseline.ts'
import { withCheckout } from './workspace.ts'
import { trunkOf } from '../core/task/origin.ts'

/** SD: makes the change, and mends it after a failed proof, a review or a failed check. */
export const sd = { role: 'sd', handlers: { build, rework, part, join } } satisfies RoleModule

async function build(context: StepContext) {
  const { task, git } = context
  const { repository } = task.origin
  const main = await git.resolve(repository, trunkOf(task.origin))
  const startSha = task.wip?.sha ?? main
  // Unfinished work becomes part of the change; it is no commit of its own in the end.
  const parentSha = task.wip ? await git.mergeBase(repository, task.wip.sha, main) : main
  const continued = task.wip
    ? '\n\nAn earlier attempt was ended by a limit; its unfinished work is already in your clone. Look at it first (`git log -p -1`), then go on.'
    : ''
  const shown = task.design ? await excerpts(context, task.design, startSha) : ''
  const prompt = `${plan(context)}\n\n${shown}${continued}\n\nMake the change.`
  const step = stepOf(task, 'plan')
  const goesOn = step && task.design && !stepOf(task, 'design') && !task.wip ? { step } : undefined
  return work(context, { main, startSha, parentSha, prompt, artefact: PatchNote, comments: [], goesOn })
}

/** One of several parts, in a clone of its own, while others do theirs. */
async function part(context: StepContext) {
  const { task, git, step } = context
  const { repository } = task.origin
  const all = slicesOf(task)
  const mine = all.find(({ item }) => item === step.item)
  if (!mine)
    throw new UserError('no_part', 'The design has no such part any more.', { hint: '`cancel`, then begin anew.' })
  const others = all.filter((one) => one !== mine)
  const main = await partsBase(context)
  const startSha = task.wip?.step === step.id ? task.wip.sha : main
  const parentSha = startSha === main ? main : await git.mergeBase(repository, startSha, main)
  const prompt = `${plan(context)}\n\n${partText(mine, others)}\n\nDo your part of the change.`
  return work(context, { main, startSha, parentSha, prompt, artefact: PatchNote, comments: [], others })
}

/** All parts are made against one commit: the one that the tests were run on before, where that is known. */
async function partsBase({ task, git }: StepContext): Promise<string> {
  const { repository } = task.origin
  return task.baseline?.sha ?? git.resolve(repository, trunkOf(task.origin))
}

function partText(mine: Slice, others: readonly Slice[]): string {
  const files = (slice: Slice) => slice.files.join(', ')
  return [
    '## Your part',
    `The change is made in ${others.length + 1} parts at the same time, each by somebody else, in clones of their own. Yours: ${mine.title} (${files(mine)}).`,
    'Leave the others their files; do not wait for their work, and do not do it:',
    ...others.map((slice) => `- ${slice.title} (${files(slice)})`),
  ]
    .map(sanitise)
    .join('\n')
}

/** The parts become one patch, without a model where they fit together. */
async function join(context: StepContext) {
  const { task, git } = context
  const parts = await context.parts()
  const [first] = parts
  if (!first) throw new UserError('no_parts', 'There are no parts to join.', { hint: '`cancel`, then begin anew.' })
  const { parentSha, baseSha } = first.patch
  const joined = await git.joined(
    task.origin.repository,
    parentSha,
    parts.map(({ patch }) => patch.diff),
  )
  const note = joinedNote(task, parts)
  if (joined.left.length === 0)
    return {
      kind: 'patch',
      patch: { note, answers: [], parentSha, baseSha, diff: joined.diff, files: joined.files },
    } as const
  const left = joined.left.flatMap((nth) => parts[nth] ?? [])
  const prompt = `${plan(context)}\n\n${leftText(left, context.nonce)}`
  return work(context, { main: baseSha, startSha: joined.sha, parentSha, prompt, artefact: PatchNote, comments: [] })
}

function joinedNote({ spec, origin }: Task, parts: readonly Part[]): PatchNote {
  const said = parts.map(({ item, patch: { note } }) => `${item}: ${note.summary}`)
  const open = parts.flatMap(({ item, patch: { note } }) => (note.notDone ? [`${item}: ${note.notDone}`] : []))
  return {
    title: cutLine(spec?.title ?? origin.title, 100),
    summary: clip(said.join('\n\n'), 3000),
    notDone: clip(open.join('\n'), 1500),
  }
}

function leftText(left: readonly Part[], nonce: string): string {
  const shown = left.map(({ item, patch }) =>
    codeBlock('patch', `${item}: ${patch.note.summary}\n\n${clip(patch.diff, 30_000)}`, nonce),
  )
  return `## Parts that do not fit together\n\nThe change was made in parts at the same time. All but these are in your clone already; these touch the same lines as the others. Bring in what they wanted, so that all of it works together.\n\n${shown.join('\n\n')}`
}

/** What the base commit is called in SD's clone. */
export const BASE_TAG = 'muster-base'

async function rework(context: StepContext) {
  const { task, git, step } = context
  const { repository } = task.origin
  const { headSha } = task
  if (!headSha || !step.rework) throw new UserError('no_head', 'There is no branch to work on.')
  const main = await git.resolve(repository, trunkOf(task.origin))
  // The branch as it is now: people may have pushed to it.
  const head = task.branch ? await git.resolve(repository, task.branch) : headSha
  const startSha = task.wip?.step === step.id ? task.wip.sha : head
  const comments = step.rework.why === 'review' ? step.rework.comments : []
  const came =
    step.rework.why === 'review' ? await reviewText(context, head, comments) : reasonText(step.rework, context.nonce)
  const prompt = `${plan(context)}\n\n${soFar(context)}\n\nThe commit it started from is tagged \`${BASE_TAG}\`.\n\n${came}`
  return work(context, { main, startSha, parentSha: head, prompt, artefact: ReworkNote, comments })
}

function plan({ task, nonce }: StepContext): string {
  return [
    requestText(task, nonce),
    task.spec ? specText(task.spec) : '',
    task.design ? designText(task.design) : '',
  ].join('\n\n')
}

/** What the earlier rounds said, so that nothing of it is lost. */
function soFar({ task }: StepContext): string {
  const rounds = task.patches.map(
    ({ note }) => `- ${note.title}: ${below(note.summary)}${note.notDone ? ` Not done: ${below(note.notDone)}` : ''}`,
  )
  const remarks = task.proofs.at(-1)?.note?.remarks
  return [
    '## What was done so far',
    ...rounds,
    ...(remarks ? [`\nQA remarked (a hint from reading, not a task): ${remarks}`] : []),
  ]
    .map(sanitise)
    .join('\n')
}

/** Paragraphs that stay below their item of a list. */
function below(text: string): string {
  return text.replaceAll('\n', '\n  ')
}

function reasonText(reason: Exclude<ReworkReason, { why: 'review' }>, nonce: string): string {
  if (reason.why === 'check')
    return `## The check "${reason.name.slice(0, 100)}" failed on the pull request\n\n${quoteBlock('check', clip(reason.text, 10_000), nonce)}\n\nFind the cause and mend it.`
  if (reason.why === 'critique')
    return `## Before it is proved, somebody who was not there looked at the change\n\n${quoteBlock('findings', clip(reason.text, 20_000), nonce)}\n\nMend what is true of it, each with its test; of what is not, say why in the summary.`
  const runs = [reason.proof.red, reason.proof.green, reason.proof.suite].filter((run) => run !== undefined)
  const shown = runs
    .map((run) => `$ ${run.command}\nexit code ${run.exitCode}\n${digestOf(run.output, 4000)}`)
    .join('\n\n')
  return `## QA could not prove the change\n\n${reason.proof.verdict.reasons.map((line) => `- ${sanitise(line)}`).join('\n')}\n\n${codeBlock('evidence', shown, nonce)}\n\nMend it.`
}

const CONTEXT_LINES = 4

/** The comments, oldest first, each with the lines it stands at. */
async function reviewText(
  { git, task, nonce }: StepContext,
  headSha: string,
  comments: readonly ReviewComment[],
): Promise<string> {
  const shown: string[] = []
  for (const comment of comments) {
    const file = comment.path ? await git.show(task.origin.repository, headSha, comment.path) : undefined
    const line = comment.line ?? 1
    const near = file?.split('\n').slice(Math.max(0, line - CONTEXT_LINES), line + CONTEXT_LINES - 1)
    const place = comment.path ? `, on ${comment.path} line ${line}` : ', on the whole change'
    shown.push(
      quoteBlock(
        'comment',
        `Comment ${numberOf(task, comment)}, by ${comment.author.login}${place}:\n${comment.body}${near ? `\n\nThe lines there:\n${near.join('\n')}` : ''}`,
        nonce,
      ),
    )
  }
  return `## Review comments\n\n${shown.join('\n\n')}\n\nGive an answer for every number.`
}

/** What SD is told who planned it, too. */
const GO_ON = `The plan is accepted as you handed it over; now you are SD. Your clone is fresh, at the same commit (tagged \`${BASE_TAG}\`): nothing of what you ran in the planning is there, and what you have read is as it was. Make the change; hand it over by \`finish\`.`

interface Work {
  readonly main: string
  /** The commit that is cloned, and the one that the patch is made against. */
  readonly startSha: string
  readonly parentSha: string
  readonly prompt: string
  readonly artefact: typeof PatchNote | typeof ReworkNote
  /** The review comments that want an answer. */
  readonly comments: readonly ReviewComment[]
  /** The step whose conversation is gone on with, where that is fresh. */
  readonly goesOn?: { readonly step: Step } | undefined
  /** Where it is one of several parts: those of the others. */
  readonly others?: readonly Slice[]
}

type Note = PatchNote & { answers?: readonly ReviewAnswer[] }

async function work(context: StepContext, input: Work) {
  const { task, git, agent } = context
  const system = await houseRules(context, input.main)
  const { text, version } = charter(context.step.kind === 'rework' ? 'rework' : 'sd')
  const baseSha = await git.mergeBase(task.origin.repository, input.parentSha, input.main)
  const use = async (checkout: Checkout, checks: Checks): Promise<Patch> => {
    if (!checks.test && !goneOnFrom(task.baseline, task.settings.checks))
      throw new UserError(
        'no_test_command',
        'It is not known how the tests of this repository are run, so no change could be proved.',
        { hint: 'Set `checks.test` in `.github/muster.yml`, then `retry`.' },
      )
    if (checks.settles) await checkout.exec(checks.settles)
    if (checks.setup || checks.settles) await checkout.disregard(input.startSha)
    await checkout.run(['git', 'tag', BASE_TAG, baseSha])
    const baseline = once(() => suiteOn(context, baseSha))
    const check = (note: Note) => objection(context, checkout, checks, note, input, baseline)
    const outcome: AgentOutcome<Note> = await agent({
      tier: 'complex',
      permissions: TOGETHER,
      checkout,
      system,
      prompt: `${text}\n\n${input.prompt}\n\n${testsText(context, checks, baseSha)}`,
      version,
      artefact: input.artefact,
      check,
      ...(input.goesOn
        ? { beside: BESIDE_CHANGE, continues: { step: input.goesOn.step, prompt: `${text}\n\n${GO_ON}` } }
        : {}),
    })
    const { diff, files } = await checkout.diff(input.parentSha)
    const made = ({ answers = [], ...note }: Note): Patch => ({
      note,
      answers: byId(answers, task),
      parentSha: input.parentSha,
      baseSha,
      diff,
      files,
    })
    if (outcome.kind === 'budget')
      throw new BudgetReached(
        made({ title: 'Work in progress', summary: 'Unfinished: the budget was reached.', notDone: '' }),
      )
    if (outcome.kind === 'limit' && isKept(outcome.what))
      throw limitReached(
        outcome,
        made({ title: 'Work in progress', summary: 'Unfinished: a limit was reached.', notDone: '' }),
        task.settings.protect.allow,
      )
    return made(finished(outcome))
  }
  return { kind: 'patch', patch: await withCheckout(context, input.startSha, use, { base: baseSha }) } as const
}

/** Whether work that ended there was going somewhere. */
function isKept(what: Extract<AgentOutcome<Note>, { kind: 'limit' }>['what']): boolean {
  return what === 'turns' || what === 'time' || what === 'checks' || what === 'artefact' || what === 'stuck'
}

/** The model knows the comments by their numbers; outside they have the platform's ids. */
function byId(answers: readonly ReviewAnswer[], { review }: Task): ReviewAnswer[] {
  return answers.flatMap((answer) => {
    const entry = review.ledger[answer.id - 1]
    return entry ? [{ ...answer, id: entry.comment.id }] : []
  })
}
