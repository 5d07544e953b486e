import {
  changeChildren,
  childId,
  type ChildRequest,
  MAX_CHILDREN,
  MAX_DEPTH,
  openChildren,
  waitsForChildren,
} from '../task/children.ts'
import { stepById } from '../task/steps.ts'
import type { Step, Task, TaskEvent } from '../task/types.ts'
import { accepted, type ChildCommand, type Decided, ignored } from './commands.ts'

/** What a task hears of those that it waits for, and they of it. */

/** A step asks for other tasks; without any it is done. */
export function wantChildren(task: Task, step: Step, asked: readonly ChildRequest[]): Decided {
  if (asked.length === 0) return accepted('no_children', ended(step.id, []))
  if (asked.length > MAX_CHILDREN)
    return refusedTo(
      step,
      'too_many',
      `${asked.length} tasks were asked for at once; at most ${MAX_CHILDREN} are begun.`,
    )
  if ((task.origin.parent?.depth ?? 0) >= MAX_DEPTH)
    return refusedTo(step, 'too_deep', 'Another task waits for the one that waits for this: it begins none of its own.')
  // What the step may cost is theirs: together they cannot spend more.
  const left = Math.max(0, (step.capUsd ?? task.budgetUsd) - step.costUsd)
  const children = asked.map((one, nth) => ({
    ...one,
    id: childId(task.id, step.id, step.attempt, nth),
    budgetUsd: Math.min(one.budgetUsd ?? Number.POSITIVE_INFINITY, left / asked.length),
  }))
  return accepted('children_wanted', [{ type: 'child.wanted', step: step.id, children }])
}

function refusedTo(step: Step, code: string, message: string): Decided {
  return accepted(`${code}_children`, [{ type: 'step.failed', step: step.id, error: { code, message } }])
}

export function decideChild(task: Task, command: ChildCommand): Decided {
  if (command.type === 'parent.ended')
    return accepted(
      'parent_ended',
      [{ type: 'task.cancelled', by: command.by }],
      'the task that asked for it has ended',
    )
  const { step: id, child } = command
  const step = stepById(task, id)
  const known = step?.children?.find((one) => one.id === child)
  if (!step || !known || !waitsForChildren(step) || known.ended) return ignored('stale_child')
  if (command.type === 'child.seen')
    return accepted('child_seen', [{ type: 'child.seen', step: id, child, url: command.url }])
  const event = { type: 'child.ended', step: id, child, end: command.end } as const
  const after = stepById(changeChildren(task, event), id)
  const isLast = after !== undefined && openChildren(after).length === 0
  return accepted('child_ended', [event, ...(isLast ? ended(id, after.children ?? []) : [])], command.end.outcome)
}

function ended(step: string, children: NonNullable<Step['children']>): TaskEvent[] {
  const artefact = children.map(({ id, title, url, ended }) => ({ id, title, url, ...ended }))
  return [
    { type: 'artefact.made', step, artefact },
    { type: 'step.finished', step },
  ]
}
