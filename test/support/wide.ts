import { complete, decide } from '../../src/core/deciding/decide.ts'
import { readySteps } from '../../src/core/task/schedule.ts'
import { defineStep, eachOf, isEachDone, NOBODY, onceWhen } from '../../src/core/workflows/define.ts'
import { addWorkflow } from '../../src/core/workflows/registry.ts'
import type { Task } from '../../src/core/task/types.ts'
import { LIGHT } from './light.ts'
import { origin, settings } from './tasks.ts'

/** One step that names many, one for each of them, and one that joins them. */
const base = { role: 'sre', costs: false, phase: { name: 'Hosts', countsRounds: false } } as const
const hosts = (task: Task) => (task.artefacts?.['wide/first'] ?? []) as string[]
const first = defineStep({
  ...base,
  kind: 'wide/first',
  name: 'List',
  needs: [],
  wanted: (task) => onceWhen(task, 'wide/first', true),
})
const each = defineStep({
  ...base,
  kind: 'wide/each',
  name: 'Host',
  needs: ['wide/first'],
  wanted: (task) => eachOf(task, 'wide/each', hosts(task)),
})
const join = defineStep({
  ...base,
  kind: 'wide/join',
  name: 'All',
  needs: ['wide/each'],
  wanted: (task) => onceWhen(task, 'wide/join', hosts(task).length > 0 && isEachDone(task, 'wide/each', hosts(task))),
})
addWorkflow({
  ...LIGHT,
  name: 'wide/hosts',
  steps: [first, each, join],
  stages: [{ steps: ['wide/first', 'wide/each', 'wide/join'], ahead: () => [], people: NOBODY }],
  follows: [
    (task) =>
      task.steps.some(({ kind, status }) => kind === 'wide/join' && status === 'done')
        ? [{ type: 'task.finished', outcome: 'joined' }]
        : [],
  ],
})

/** Plays it for so many: whatever may begin begins, then all that runs ends. */
export function playWide(items: readonly string[]) {
  const opened = {
    type: 'task.opened',
    id: 't1',
    conversationId: 'c1',
    workflow: 'wide/hosts',
    origin,
    settings: { ...settings, schedule: { policy: 'parallel', most: 1 } },
    forcePlanGate: false,
  } as const
  const decision = { outcome: 'accepted', reason: 'x', detail: '' } as const
  let { task } = complete(undefined, { events: [opened], decision }, 1000)
  const order: string[] = []
  let atOnce = 0
  for (let at = 2000; task.status !== 'done' && at < 20_000; at += 1000) {
    for (const { id, kind } of readySteps(task)) {
      task = decide(task, { type: 'step.start', step: id }, at).task
      order.push(kind)
    }
    const running = task.steps.filter(({ status }) => status === 'running')
    atOnce = Math.max(atOnce, running.length)
    for (const { id, attempt, kind } of running) {
      const artefact = kind === 'wide/first' ? items : 'x'
      const result = { kind: 'artefact', artefact } as const
      task = decide(task, { type: 'step.result', step: id, attempt, result }, at + 500).task
    }
  }
  return { task, order, atOnce }
}
