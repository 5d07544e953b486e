import { statusReply } from '../reply/answers.ts'
import { newStep } from '../task/schedule.ts'
import { failedStep, isActive } from '../task/steps.ts'
import type { Step, Task, TaskEvent } from '../task/types.ts'
import { workflowOf } from '../workflows/registry.ts'
import { accepted, type Decided, ignored, type PersonCommand, refused } from './commands.ts'

/** Another look at somebody's pull request: asked for, or because it has a new head. */

/** The steps that are looks, where the task's work is looking. */
function looksOf(task: Task): readonly Step[] | undefined {
  const { again } = workflowOf(task)
  return again === undefined ? undefined : task.steps.filter(({ kind }) => kind === again)
}

/** Whoever asks again while it is being looked at is told so; else what failed is tried again, or it is looked at anew. */
export function lookAgain(task: Task, said: PersonCommand): Decided {
  const looks = looksOf(task)
  if (!looks) return ownWork(task)
  if (looks.some(({ status }) => status === 'running' || status === 'pending'))
    return {
      events: [],
      decision: { outcome: 'duplicate', reason: 'task_exists', detail: 'it is being looked at already' },
      reply: statusReply(task, said.receivedAt, 'It is being looked at already.'),
    }
  const failed = failedStep(task)
  if (failed) return accepted('retry', [{ type: 'step.reset', step: failed.id, by: said.by }], failed.id)
  return accepted('review_again', [...settingsIn(said), ...oneMore(task)])
}

function settingsIn({ settings }: PersonCommand): TaskEvent[] {
  return settings ? [{ type: 'settings.read', settings }] : []
}

function oneMore(task: Task): TaskEvent[] {
  const { again } = workflowOf(task)
  return again === undefined ? [] : [{ type: 'step.added', step: newStep(task, again) }]
}

function ownWork(task: Task): Decided {
  const me = `@${task.settings.mention}`
  return refused(
    'own_work',
    isActive(task)
      ? `\`review\` is for pull requests of people: what I change myself QA proves, and people review it. \`${me} status\` says where it stands.`
      : '`review` is for pull requests of people; in this conversation there was other work.',
  )
}

/** A new head under a standing wish: looked at once whoever looks now is done. One that waits will see it anyway. */
export function pushedTo(task: Task): Decided {
  const looks = looksOf(task)
  if (!looks || task.status === 'cancelled' || task.status === 'handed_off') return ignored('no_look')
  if (looks.some(({ status }) => status === 'pending')) return ignored('waits_already', 'the next look sees it')
  if (looks.at(-1)?.status === 'failed') return ignored('look_failed', 'the last look failed; `retry` tries again')
  return accepted('review_again', oneMore(task), 'a new head')
}
