import { complete, decide } from '../../src/core/deciding/decide.ts'
import { workOf } from '../../src/core/task/work.ts'
import { readySteps } from '../../src/core/task/schedule.ts'
import type { Gate, StepKind, Task } from '../../src/core/task/types.ts'
import { defineStep, NOBODY, onceWhen } from '../../src/core/workflows/define.ts'
import { addWorkflow } from '../../src/core/workflows/registry.ts'
import type { Schedule } from '../../src/core/settings.ts'
import { LIGHT } from './light.ts'
import { origin, settings } from './tasks.ts'

/** A workflow of eight steps, as a plug-in has it: a, then b, c and d side by side, joined by e, f and g, and h. */
const NEEDS: Readonly<Record<string, string>> = { a: '', b: 'a', c: 'a', d: 'a', e: 'bc', f: 'd', g: 'ef', h: 'g' }
export const kindOf = (letter: string): StepKind => `lab/${letter}`

const steps = Object.entries(NEEDS).map(([letter, needs]) =>
  defineStep({
    kind: kindOf(letter),
    role: 'sa',
    name: `Part ${letter}`,
    phase: { name: letter.toUpperCase(), countsRounds: true },
    needs: needs.split('').map(kindOf),
    costs: letter !== 'h',
    wanted: (task) =>
      onceWhen(
        task,
        kindOf(letter),
        needs.split('').every((need) => isDone(task, need)),
      ),
  }),
)

function isDone(task: Task, letter: string): boolean {
  return task.steps.some(({ kind, status }) => kind === kindOf(letter) && status === 'done')
}

addWorkflow({
  ...LIGHT,
  name: 'lab/eight',
  steps,
  gates: [
    { kind: 'budget', holds: 'costs', wanted: () => [] },
    // Somebody is asked about what `b` has found; what rests on `d` goes on meanwhile.
    {
      kind: 'question',
      holds: kindOf('b'),
      wanted: (task) =>
        task.artefacts?.[kindOf('b')] === 'unsure' && task.notes.length === 0
          ? [{ type: 'gate.opened', gate: { kind: 'question', questions: ['Is b right?'] } }]
          : [],
    },
  ],
  stages: [{ steps: steps.map(({ kind }) => kind), ahead: () => steps.map(({ kind }) => kind), people: NOBODY }],
  follows: [(task) => (isDone(task, 'h') ? [{ type: 'task.finished', outcome: 'all eight' }] : [])],
})

export interface Run {
  readonly task: Task
  /** The letters of the steps, in the order in which they were begun. */
  readonly order: string
  readonly atOnce: number
  /** The most that was kept for steps under way beyond what was left of the budget, dollars. */
  readonly kept: number
}

interface How {
  readonly schedule: Schedule
  readonly budgetUsd?: number
  /** What each step costs, dollars. */
  readonly costUsd?: number
  /** Which step fails the first time. */
  readonly fails?: string
  /** What `b` finds. */
  readonly found?: string
  /** What becomes of a gate that is open while nothing else goes on; undefined: the run ends there. */
  readonly onGate?: (task: Task, gate: Gate, at: number) => Task
}

/** Plays it: whatever may begin begins, each step takes a second more than the one before it in the alphabet, and all cost the same. */
export function play({ schedule, budgetUsd = 8, costUsd = 0.1, fails, found = 'x', onGate }: How): Run {
  let at = 1000
  let order = ''
  let atOnce = 0
  let kept = 0
  let failed = false
  const events = [
    {
      type: 'task.opened',
      id: 't1',
      conversationId: 'c1',
      workflow: 'lab/eight',
      origin,
      settings: { ...settings, budgetUsd, schedule },
      forcePlanGate: false,
    },
  ] as const
  let { task } = complete(undefined, { events, decision: { outcome: 'accepted', reason: 'x', detail: '' } }, at)
  const take = (command: Parameters<typeof decide>[1]) => {
    const outcome = decide(task, command, at)
    task = outcome.task
    return outcome.decision.reason
  }
  for (let round = 0; round < 200 && task.status !== 'done'; round++) {
    const before = order.length
    const handed = handedOut(task)
    for (const { id } of readySteps(task))
      if (take({ type: 'step.start', step: id }) === 'step_started') order += id.slice(-1)
    // Whoever is handed a step may begin it, and nothing that may begin is kept back.
    if (order.slice(before) !== handed) throw new Error(`handed out: ${handed}; begun: ${order.slice(before)}`)
    const running = task.steps.filter(({ status }) => status === 'running')
    atOnce = Math.max(atOnce, running.length)
    const shares = running.reduce((sum, step) => sum + Math.max(0, (step.capUsd ?? step.costUsd) - step.costUsd), 0)
    const left = task.budgetUsd - task.steps.reduce((sum, step) => sum + step.costUsd, 0)
    kept = Math.max(kept, shares - Math.max(0, left))
    // The one that was begun first, and among those the shortest, ends first.
    const [next] = running.toSorted((a, b) => endOf(a) - endOf(b))
    if (!next) {
      const [gate] = task.gates
      if (!gate || !onGate) break
      task = onGate(task, gate, (at += 200_000))
      continue
    }
    at = Math.max(at, endOf(next))
    if (next.kind !== kindOf('h')) take({ type: 'turn', step: next.id, costUsd })
    if (next.kind === kindOf(fails ?? '-') && !failed) {
      failed = true
      take({ type: 'step.error', step: next.id, attempt: next.attempt, error: { code: 'x', message: 'x' } })
      continue
    }
    const artefact = next.kind === kindOf('b') ? found : 'x'
    take({ type: 'step.result', step: next.id, attempt: next.attempt, result: { kind: 'artefact', artefact } })
  }
  return { task, order, atOnce, kept }
}

/** The letters of the steps that are given to workers to be begun. */
function handedOut(task: Task): string {
  const pending = new Set(task.steps.filter(({ status }) => status === 'pending').map(({ id }) => id))
  return workOf(task)
    .flatMap((work) => (work.kind === 'step' && pending.has(work.step) ? [work.step.slice(-1)] : []))
    .join('')
}

function endOf({ startedAt = 0, id }: Task['steps'][number]): number {
  return startedAt + 1000 * (1 + id.charCodeAt(id.length - 1) - 97)
}
