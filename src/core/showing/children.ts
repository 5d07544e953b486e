import type { EffectIntent } from '../effects.ts'
import { openChildren } from '../task/children.ts'
import { spent } from '../policy.ts'
import type { Task, TaskEvent } from '../task/types.ts'
import { place } from './places.ts'

/** What a task has to tell others: those that it waits for, and the one that waits for it. Two tasks are never written at once. */
export function childEffects(task: Task, event: TaskEvent): EffectIntent[] {
  return [...wanted(task, event), ...reported(task, event), ...endedWith(task, event)]
}

function wanted(task: Task, event: TaskEvent): EffectIntent[] {
  if (event.type !== 'child.wanted') return []
  return event.children.map((child) => ({
    key: `child:${child.id}`,
    body: {
      kind: 'task.open',
      place: place(task),
      parent: { task: task.id, step: event.step, depth: (task.origin.parent?.depth ?? 0) + 1 },
      child,
      origin: {
        repository: task.origin.repository,
        author: task.origin.author,
        requester: task.origin.requester,
        url: task.origin.url,
      },
      settings: task.settings,
      forcePlanGate: task.forcePlanGate,
    },
  }))
}

/** Whoever waits hears of the issue, and of the end. */
function reported(task: Task, event: TaskEvent): EffectIntent[] {
  const { parent } = task.origin
  if (!parent) return []
  // Each is told once, whatever else becomes of a task that has ended.
  const tell = (
    what: 'issue' | 'end',
    report: Extract<EffectIntent['body'], { kind: 'task.report' }>['report'],
  ): EffectIntent[] => [
    { key: `report:${what}`, body: { kind: 'task.report', place: place(task), parent, child: task.id, report } },
  ]
  if (event.type === 'issue.opened') return tell('issue', { url: event.url })
  const { status } = task
  if (status === 'working' || status === 'waiting') return []
  return tell('end', { end: { status, outcome: task.outcome ?? status, costUsd: spent(task) } })
}

/** What nobody waits for any more is not worked on. */
function endedWith(task: Task, event: TaskEvent): EffectIntent[] {
  if (event.type !== 'task.cancelled') return []
  const open = task.steps.filter(({ children }) => children !== undefined).flatMap(openChildren)
  return open.map(({ id }) => ({
    key: `end:${id}`,
    body: { kind: 'task.end', place: place(task), task: id, by: event.by },
  }))
}
