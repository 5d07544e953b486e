import type { Unclear } from '../command.ts'
import { mayBeReviewed } from '../proof.ts'
import { noteReply, remainsReply, replanReply, statusReply, unclearReply } from '../reply/answers.ts'
import { beginsPolitely } from '../unclear.ts'
import { workflowOf } from '../workflows/registry.ts'
import { mayAnswer } from '../task/asked.ts'
import { accepted, type Decided, type PersonCommand, refused } from './commands.ts'
import { replan, testAgain } from './gates.ts'
import { cancelRelease, finished } from './deploys.ts'
import { newStep } from '../task/schedule.ts'
import { failedStep, gateAt, hasShare, isActive, isBegun, specStep } from '../task/steps.ts'
import type { ReviewComment, Step, StepKind, Task, TaskEvent } from '../task/types.ts'

/** What people say about the work as such: more of it, less of it, once more, or just words. */

/** What was nearly said, as people read it later. */
const NEARLY: Readonly<Record<Unclear['kind'], string>> = {
  approval: 'it sounds like an approval, and is none',
  assent: 'a yes or no that answers nothing',
  stop: 'it sounds like a stop, which there is not',
  typo: 'nearly a command',
  courtesy: 'thanks or a greeting',
  word: 'one word that is no command',
}

/** A yes or a word answers a question; else it changes nothing, and what to say is told. */
export function unclear(task: Task, said: PersonCommand, command: Unclear): Decided {
  const isAnswer = command.kind === 'assent' || (command.kind === 'word' && command.meant === undefined)
  const may = said.canWrite || mayAnswer(task, said.by, 'answer')
  if (gateAt(task, 'question') && isAnswer && may) return words(task, said, command.text)
  return {
    events: [],
    decision: { outcome: 'ignored', reason: 'unclear', detail: `${NEARLY[command.kind]}; nothing was changed` },
    reply: unclearReply(command, task, task.settings.mention),
  }
}

/** Nobody works on the code any more. */
function nothingReads(task: Task): Decided {
  const done = task.merged ? 'The change is merged' : 'This is a deploy'
  return refused('nothing_reads', `${done}: no step reads what is added here. New work begins in a new issue.`)
}

/** Words begin nothing anew where work has ended: what does is told. */
function ended(task: Task, said: PersonCommand, text: string): Decided {
  if (beginsPolitely(text)) return unclear(task, said, { verb: 'unclear', kind: 'courtesy', text, meant: undefined })
  const { status, settings } = task
  const { mention } = settings
  const again = status === 'handed_off' ? `\`@${mention} retry\` goes on with it; ` : ''
  const anew = said.isOnPull
    ? `\`@${mention} build\` with what is wanted begins new work, in an issue.`
    : `\`@${mention} build\` with what is wanted begins new work here.`
  return refused('task_ended', `This work has ended. ${again}${anew}`)
}

/** Heard by whoever works next; never an approval, never a change of a plan, never work by itself. */
export function note(task: Task, said: PersonCommand, text: string): Decided {
  const me = task.settings.mention
  if (!isActive(task)) return ended(task, said, text)
  if (!workflowOf(task).readsWords(task)) return nothingReads(task)
  const more = `To have something changed or answered, begin a line with \`@${me}\`.`
  return accepted(
    'noted',
    [{ type: 'note.added', by: said.by, text }],
    '',
    noteReply(`Noted; it goes into the next step. ${more}`),
  )
}

export function cancel(task: Task, said: PersonCommand): Decided {
  if (!isActive(task))
    return refused('task_ended', `This task has already ended (${task.status.replace('_', ' ')}); nothing is running.`)
  const release = task.releases.at(-1)
  if (release && (!finished(task, release.index) || hasShare(release))) return cancelRelease(task, release, said)
  return accepted(
    'cancelled',
    [{ type: 'task.cancelled', by: said.by, from: said.from }],
    '',
    remainsReply(task, said.by),
  )
}

/** A question is a conversation of its own: here it would change the work, and cost. */
export function noQuestion(task: Task): Decided {
  const me = `@${task.settings.mention}`
  const wish = gateAt(task, 'plan')
    ? ' A wish for the plan is said as a sentence.'
    : task.pullRequest && !task.merged
      ? ' A question about a line of the change is asked in a review: SD answers it there.'
      : ''
  return refused(
    'question_elsewhere',
    `That reads like a question, so nothing was changed. I answer questions in an issue or thread of their own: \`${me} ask …\` there.${wish}`,
  )
}

export function retry(task: Task, said: PersonCommand): Decided {
  if (task.status === 'cancelled')
    return refused('task_ended', `This work was cancelled. \`@${task.settings.mention} build\` begins it anew.`)
  if (gateAt(task, 'baseline')) return testAgain(task, said)
  const parked = task.steps.find((step) => step.parked)
  if (parked) return accepted('retry', [{ type: 'step.unparked', step: parked.id }], parked.id)
  const failed = failedStep(task)
  if (failed?.kind === 'deploy') {
    const environment = task.releases.at(-1)?.environment ?? '<env>'
    return refused(
      'deploy_is_once',
      `A deploy is never tried twice by itself; say \`deploy ${environment}\` for a new plan.`,
    )
  }
  // While a deploy waits or runs, the settings that were approved with it stay.
  const settings: TaskEvent[] =
    said.settings && !task.merged ? [{ type: 'settings.read', settings: said.settings }] : []
  if (failed) return accepted('retry', [...settings, ...again(task, failed, said)], failed.id)
  return task.status === 'handed_off'
    ? oneMoreRound(task, said)
    : refused('nothing_failed', 'No step has failed, so there is nothing to retry.')
}

/** A step that failed, with those that were done beside it and failed as well. */
function again({ steps }: Task, { id, kind, item }: Step, { by }: PersonCommand): TaskEvent[] {
  return steps
    .filter((step) => step.id === id || (item !== undefined && step.kind === kind && step.status === 'failed'))
    .map((step) => ({ type: 'step.reset', step: step.id, by }))
}

/** What is done once more where a round has ended without a result. */
const REDONE: ReadonlySet<StepKind> = new Set(['rework', 'join', 'build', 'design', 'plan'])

/** After a hand-off: another round with the latest evidence, or the last piece of work once more. */
function oneMoreRound(task: Task, said: PersonCommand): Decided {
  if (task.lost) return accepted('retry', [{ type: 'effect.again', kind: task.lost }], task.lost)
  if (task.merged) return refused('nothing_failed', 'The work is merged; there is nothing to retry.')
  const proof = task.proofs.at(-1)
  if (proof && !mayBeReviewed(proof.verdict) && proof.headSha === task.headSha) {
    return accepted('retry', [
      { type: 'step.added', step: newStep(task, 'rework', { rework: { why: 'proof', proof } }) },
    ])
  }
  const last = task.steps.findLast(({ kind }) => REDONE.has(kind))
  return last
    ? accepted('retry', [{ type: 'step.reset', step: last.id, by: said.by }], last.id)
    : refused('nothing_failed', 'There is nothing to retry.')
}

/** Words that are no command: an answer, a wish for the plan, or a wish for the pull request. */
export function words(task: Task, said: PersonCommand, text: string): Decided {
  const note: TaskEvent = { type: 'note.added', by: said.by, text }
  const spec = specStep(task)
  if (!isActive(task)) return ended(task, said, text)
  if (gateAt(task, 'question'))
    return accepted('answered', [
      { type: 'gate.answered', by: said.by, text, from: said.from, ...(said.canWrite ? {} : { isByReader: true }) },
      ...(spec ? [{ type: 'step.reset', step: spec.id, by: said.by } as const] : []),
    ])
  if (gateAt(task, 'plan'))
    return accepted(
      'plan_amended',
      [{ type: 'gate.answered', by: said.by, text, from: said.from }, ...replan(task, said)],
      '',
      replanReply(task),
    )
  if (!workflowOf(task).readsWords(task)) return nothingReads(task)
  if (!task.pullRequest) {
    const waits = gateAt(task, 'baseline')
      ? ` The tests still cannot be run: \`@${task.settings.mention} retry\` runs them again, \`@${task.settings.mention} continue\` goes on without proof.`
      : ''
    return accepted('noted', [note], '', noteReply(`Noted; it goes into the next step.${waits}`))
  }
  const comment: ReviewComment = {
    id: said.commentId ?? said.receivedAt,
    reviewId: 0,
    thread: false,
    rootId: 0,
    author: said.by,
    body: text,
    path: undefined,
    line: undefined,
  }
  return accepted('change_requested', [
    {
      type: 'review.received',
      by: said.by,
      comments: [comment],
      dueAt: said.receivedAt + task.settings.review.quietSeconds * 1000,
    },
  ])
}

export function startAgain(task: Task, said: PersonCommand, text: string): Decided {
  if (text) return words(task, said, text)
  const running = isActive(task)
    ? task.status === 'working'
      ? 'it is being worked on'
      : 'it waits for people'
    : 'it has ended'
  const detail = `There is already a task for this conversation: ${running}.`
  return {
    events: [],
    decision: { outcome: 'duplicate', reason: 'task_exists', detail },
    reply: statusReply(task, said.receivedAt, isBegun(task) ? undefined : detail),
  }
}
