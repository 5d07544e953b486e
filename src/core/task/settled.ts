import type { EffectIntent } from '../effects.ts'
import { type Document, dollars, type Own, paragraph, say } from '../reply/document.ts'
import { planComment, questionComment } from '../reply/plan.ts'
import { budgetComment } from '../reply/pull.ts'
import { releasePlanComment } from '../reply/release.ts'
import { surfaceKey } from '../said.ts'
import { place } from './places.ts'
import { asksPeople } from './steps.ts'
import type { Person, Task, TaskEvent } from './types.ts'

/** The keys of messages that ask for a decision. */
export const planKey = (hash: string) => `plan:${hash.slice(0, 12)}`
/** Each time that PM asks is a message of its own. */
export const questionKey = (task: Task) => `questions:${task.steps.find(({ kind }) => kind === 'spec')?.attempt ?? 0}`
/** One for each release of the task. */
export const releaseKey = (index: number) => `release:${index}`
/** Each time that the budget is reached is a message of its own. */
export const budgetKey = (task: Task) => `budget-${task.budgetGate?.nth ?? 0}`

/**
 * Where messages have buttons, what was decided is written above what was asked, and the buttons go: nobody presses what has
 * been decided elsewhere.
 */
export function settledEffects(task: Task, event: TaskEvent): EffectIntent[] {
  switch (event.type) {
    case 'gate.approved':
      if (event.by === 'settings') return []
      return event.gate === 'plan'
        ? change(task, planKey(event.hash), say`✅ **Approved** by ${event.by.login}.`, planComment(task))
        : changeRelease(task, say`✅ **Approved** by ${event.by.login}.`)
    case 'gate.rejected': {
      const note = say`❌ **Rejected** by ${event.by.login}.`
      if (event.gate === 'deploy') return changeRelease(task, note)
      return task.planHash ? change(task, planKey(task.planHash), note, planComment(task)) : []
    }
    case 'gate.answered':
      return answered(task, event.by)
    case 'budget.extended':
      return budget(task, say`▶️ **Continued** with ${dollars(event.usd)} more by ${event.by.login}.`, event.usd)
    case 'task.finished':
      return task.budgetGate?.open ? budget(task, say`🏁 **Over**: the work has ended.`) : []
    case 'task.cancelled':
      return cancelled(task, say`🚫 **Cancelled** by ${event.by.login}.`)
    default:
      return []
  }
}

function cancelled(task: Task, note: Own): EffectIntent[] {
  const reached = task.budgetGate?.open ? budget(task, note) : []
  return [...questions(task, note), ...reached, ...plan(task, note), ...changeRelease(task, note)]
}

/** @param added since it was reached, in dollars */
function budget(task: Task, note: Own, added = 0): EffectIntent[] {
  if (!task.budgetGate) return []
  return change(task, budgetKey(task), note, budgetComment({ ...task, budgetUsd: task.budgetUsd - added }))
}

/** The questions that wait for nobody any more, if nobody has answered them. */
function questions(task: Task, note: Own): EffectIntent[] {
  const { spec } = task
  return spec && asksPeople(task) ? change(task, questionKey(task), note, questionComment(task, spec.questions)) : []
}

/** Words about a plan send it back; words about questions answer them. */
function answered(task: Task, by: Person): EffectIntent[] {
  const amended = plan(task, say`✏️ **Changed**: ${by.login} said something about it; a new one follows.`)
  if (amended.length > 0 || !task.spec) return amended
  return change(
    task,
    questionKey(task),
    say`✅ **Answered** by ${by.login}.`,
    questionComment(task, task.spec.questions),
  )
}

/** The plan that waits for nobody any more, if it ever did. */
function plan(task: Task, note: Own): EffectIntent[] {
  const { planHash } = task
  const open = planHash && !task.approvals.some((one) => one.gate === 'plan' && one.hash === planHash)
  return open ? change(task, planKey(planHash), note, planComment(task)) : []
}

function changeRelease(task: Task, note: Own): EffectIntent[] {
  const release = task.releases.at(-1)
  return release?.plan && !release.deployed
    ? change(task, releaseKey(release.index), note, releasePlanComment(task, release))
    : []
}

function change(task: Task, key: string, note: Own, document: Document): EffectIntent[] {
  return (task.surfaces ?? [])
    .filter(({ channel }) => channel === 'slack')
    .map((surface) => ({
      key: `comment:${key}@${surfaceKey(surface)}`,
      body: {
        kind: 'message.upsert',
        place: place(task),
        surface,
        document: [paragraph(note), ...document.filter(({ kind }) => kind !== 'ask')],
        buttons: [],
      },
    }))
}
