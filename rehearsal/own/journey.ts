import { duration } from '../../src/core/reply/document.ts'
import type { RepositorySettings } from '../../src/core/settings.ts'
import type { Parked } from '../../src/core/task/types.ts'
import type { ServerChild } from '../child.ts'
import { isStuck, stuckReason, taskOf, type TaskView } from '../observe.ts'
import type { Stage } from '../stage.ts'
import type { Request } from './request.ts'
import { YOU } from './scene.ts'

/** What waits for a person. */
export type OpenGate = NonNullable<TaskView['state']['gate']>

/** Somebody who decides in place of a team. @returns what they write in the thread; undefined: nobody answers */
export type Decider = (gate: OpenGate, task: TaskView) => Promise<string | undefined>

export type Ending =
  /** The pull request is proved, and ready for a review. */
  | 'proved'
  /** It is ready for a review, and something could not be told. */
  | 'ready'
  /** It was a question, and is answered. */
  | 'answered'
  /** It waits for people, and nobody answers. */
  | 'asked'
  | 'stopped'
  | 'time'

export interface Journey {
  readonly ending: Ending
  readonly reason: string
  readonly task: TaskView | undefined
  readonly issue: number
}

export interface JourneyDeps {
  readonly stage: Stage
  readonly server: ServerChild
  readonly settings: Pick<RepositorySettings, 'label' | 'mention'>
  readonly decide: Decider
  readonly patienceMs: number
}

const LOOK_MS = 200

/** An issue on one's own repository, until its pull request is proved or nothing goes on. */
export async function playJourney(deps: JourneyDeps, request: Request): Promise<Journey> {
  const { stage, settings } = deps
  const issue = await stage.people.openIssue(YOU, request.title, request.body)
  await stage.people.label(YOU, issue.number, settings.label)
  const end = await playOn(deps, issue.number)
  return { ...end, issue: issue.number }
}

async function playOn(
  { stage, server, settings, decide, patienceMs }: JourneyDeps,
  issue: number,
): Promise<Omit<Journey, 'issue'>> {
  const until = Date.now() + patienceMs
  let decided = ''
  let task: TaskView | undefined
  while (Date.now() < until) {
    await new Promise((done) => setTimeout(done, LOOK_MS))
    task = (await taskOf(server, issue)) ?? task
    const end = task && endOf(task)
    if (end) return { ...end, task }
    const gate = task?.state.gate
    const key = gate ? `${gate.kind} ${gate.openedAt}` : ''
    if (!task || !gate || key === decided) continue
    const words = await decide(gate, task)
    if (words === undefined) return { ending: 'asked', reason: askedReason(gate), task }
    decided = key
    await stage.people.comment(YOU, issue, gate.kind === 'question' ? words : `@${settings.mention} ${words}`)
  }
  return { ending: 'time', reason: `not done within ${duration(patienceMs)}${task ? `; ${doingOf(task)}` : ''}`, task }
}

const PARKED: Readonly<Record<Parked['why'], string>> = {
  model_busy: 'the model provider does not answer',
  model_credit: "the model provider's spending limit is reached",
  git_busy: 'the git server does not answer',
  watch: 'a release was being watched',
  deploy_gate: 'a deploy waited for a gate',
}

/** What it was at. */
function doingOf(task: TaskView): string {
  const { steps } = task.state
  const parked = steps.find((step) => step.parked)?.parked
  if (parked) return PARKED[parked.why]
  const running = steps.find(({ status }) => status === 'running')
  return running ? `${running.role.toUpperCase()} was at work (${running.kind}, ${running.turns} turns)` : task.status
}

function askedReason({ kind, questions }: OpenGate): string {
  const why: Readonly<Record<string, string>> = {
    question: `a question is open: ${(questions ?? []).join(' ')}`,
    plan: 'the plan waits for an approval',
    budget: 'the budget is used up',
    baseline: 'the tests of the repository cannot be run as it is; `muster check` says more',
  }
  return why[kind] ?? `${kind} waits for people`
}

/** How the work has ended; undefined where it goes on. */
function endOf(task: TaskView): Pick<Journey, 'ending' | 'reason'> | undefined {
  const { pullRequest, proofs, headSha } = task.state
  const proof = proofs.at(-1)
  if (pullRequest?.draft === false && proof && proof.headSha === headSha)
    return proof.verdict.proved
      ? { ending: 'proved', reason: 'the change is proved' }
      : { ending: 'ready', reason: proof.verdict.reasons.join('; ') }
  // It would wait for a person to raise it.
  if (task.state.steps.some(({ parked }) => parked?.why === 'model_credit'))
    return { ending: 'stopped', reason: PARKED.model_credit }
  if (task.status === 'done') return { ending: 'answered', reason: task.state.outcome ?? 'done' }
  return isStuck(task) ? { ending: 'stopped', reason: stuckReason(task) } : undefined
}

/** Approves plans; whatever else is asked stays open. */
export const approvesPlans: Decider = ({ kind }) => Promise.resolve(kind === 'plan' ? 'approve' : undefined)
