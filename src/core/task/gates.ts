import { surfaceKey } from '../said.ts'
import { isDeployApproved } from '../policy.ts'
import { gateAt } from './steps.ts'
import type { Gate, Person, Settled, SettledAs, Task, TaskEvent, Whence } from './types.ts'

type GateEvent = Extract<TaskEvent, { type: `gate.${string}` | 'budget.extended' }>

/** What waits for people, after an event about it. */
export function changeGate(before: Task, event: GateEvent, at: number): Task {
  const settled = settledBy(before, event, at)
  const task = settled ? { ...before, settled } : before
  switch (event.type) {
    case 'gate.opened':
      return {
        ...task,
        gates: [
          ...without(task, ({ kind }) => !event.beside || kind === event.gate.kind),
          { ...event.gate, openedAt: at },
        ],
        ...(event.gate.kind === 'budget' ? { budgetGate: { nth: (task.budgetGate?.nth ?? 0) + 1, open: true } } : {}),
      }
    case 'gate.approved':
      return approved(task, event, at)
    case 'gate.rejected':
      return {
        ...task,
        gates: without(task, (one) => one.kind === event.gate),
        // What had been approved before it was rejected is approved no more.
        approvals: event.gate === 'deploy' ? withoutLast(task) : task.approvals,
        notes: [...task.notes, { by: event.by, text: `Rejected: ${event.reason}`, at }],
      }
    case 'gate.answered':
      return {
        ...task,
        gates: without(task, (one) => one.kind === answeredGate(task)),
        notes: [...task.notes, { by: event.by, text: event.text, at }],
        forcePlanGate: task.forcePlanGate || event.isByReader === true,
      }
    case 'budget.extended':
      return {
        ...task,
        gates: without(task, (one) => one.kind === 'budget'),
        budgetUsd: task.budgetUsd + event.usd,
        ...(task.budgetGate ? { budgetGate: { ...task.budgetGate, open: false } } : {}),
      }
  }
}

function approved(task: Task, event: Extract<TaskEvent, { type: 'gate.approved' }>, at: number): Task {
  const { gate, hash, sha, by, from, certificate } = event
  // Those of before 0.5, and those of plans, are stored without.
  const approval = { gate, hash, sha, by, at, ...(certificate ? { from, certificate } : {}) }
  const approvals = [...task.approvals, approval]
  const plan = task.releases.at(-1)?.plan
  // Where it takes more than one, the gate stays open for the others.
  const isMissing = gate === 'deploy' && plan?.hash === hash && !isDeployApproved({ approvals }, plan)
  return { ...task, approvals, gates: isMissing ? task.gates : without(task, (one) => one.kind === gate) }
}

function withoutLast({ approvals, releases }: Task): Task['approvals'] {
  const hash = releases.at(-1)?.plan?.hash
  return approvals.filter((one) => one.gate !== 'deploy' || one.hash !== hash)
}

/** The gates that stay open. */
function without({ gates }: Task, isClosed: (gate: Gate) => boolean): readonly Gate[] {
  return gates.filter((gate) => !isClosed(gate))
}

/** What words answer: the questions; where there are none, the plan. */
function answeredGate(task: Task): 'question' | 'plan' {
  return gateAt(task, 'question') ? 'question' : 'plan'
}

/** What people have decided by it; what the settings decide is nobody's. */
function settledBy(task: Task, event: GateEvent, at: number): Settled | undefined {
  switch (event.type) {
    case 'gate.opened':
      return undefined
    case 'gate.approved':
      return event.by === 'settings' ? undefined : decided(`${event.gate} approved`, { ...event, by: event.by }, at)
    case 'gate.rejected':
      return decided(`${event.gate} rejected`, event, at)
    case 'gate.answered':
      return decided(answeredGate(task) === 'plan' ? 'plan changed' : 'questions answered', event, at)
    case 'budget.extended':
      return gateAt(task, 'budget') ? decided('budget extended', event, at) : undefined
  }
}

function decided(what: SettledAs, { by, from }: { by: Person; from?: Whence | undefined }, at: number): Settled {
  return { what, by, at, from }
}

/** What is known of the tests as they were, after an event about that. */
export function changeBaseline(
  task: Task,
  event: Extract<TaskEvent, { type: `baseline.${string}` }>,
  at: number,
): Task {
  if (event.type === 'baseline.made') return { ...task, baseline: event.baseline }
  const { baseline } = task
  return {
    ...task,
    gates: without(task, (one) => one.kind === 'baseline'),
    settled: decided(`baseline ${event.how}`, event, at),
    ...(baseline && event.how === 'accepted' ? { baseline: { ...baseline, accepted: event.by } } : {}),
  }
}

/** Where the conversation is held, after an event about that. */
export function changeSurfaces(task: Task, event: Extract<TaskEvent, { type: `surface.${string}` }>, at: number): Task {
  const key = surfaceKey(event.surface)
  const others = (task.surfaces ?? []).filter((one) => surfaceKey(one) !== key)
  const troubled = (task.troubled ?? []).filter((one) => one !== key)
  if (event.type === 'surface.linked') return { ...task, surfaces: [...others, event.surface] }
  if (event.type === 'surface.unlinked') return { ...task, surfaces: others, ...(task.troubled ? { troubled } : {}) }
  if (event.type === 'surface.mended') return { ...task, troubled, mended: { ...task.mended, [key]: at } }
  return { ...task, troubled: [...troubled, key] }
}

/** What could not be sent is sent again: what had not begun when the work ended over it goes on from there. */
export function sentAgain(task: Task): Task {
  const steps = task.steps.map((step) =>
    step.status === 'cancelled' && step.attempt === 0
      ? { ...step, status: 'pending' as const, endedAt: undefined }
      : step,
  )
  return { ...task, steps, lost: undefined, status: 'working', finishedAt: undefined, outcome: undefined }
}
