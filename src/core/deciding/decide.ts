import type { EffectIntent } from '../effects.ts'
import { accepted, type Decided, ignored, type TaskCommand } from './commands.ts'
import { decideChild } from './children.ts'
import { effectsOf } from '../showing/effects.ts'
import { evolve } from '../task/evolve.ts'
import { decideGithub } from './github.ts'
import { decidePerson } from './person.ts'
import { marks } from '../showing/marks.ts'
import { lookForPlugin } from './plugins.ts'
import { progress } from '../task/progress.ts'
import { decideStep } from './results.ts'
import { decideSurface, surfaceFailed } from './surfaces.ts'
import { mayStart, shareOf } from '../task/resources.ts'
import { wantedEffects } from '../environments/wanted.ts'
import { isActive, stepById } from '../task/steps.ts'
import { decideTurn } from './turns.ts'
import type { Task, TaskEvent } from '../task/types.ts'

/** The whole outcome of a command: stored and sent in one transaction. */
export interface Outcome extends Decided {
  readonly task: Task
  readonly effects: readonly EffectIntent[]
}

/** How often something may follow from what followed; not how much at once. */
const MAX_FOLLOW_UPS = 50

/** Decides a command, lets the workflow go on as far as it can by itself, and derives the effects. Pure. */
export function decide(task: Task, command: TaskCommand, now: number): Outcome {
  return complete(task, decideOne(task, command, now), now)
}

/** Applies what was decided, adds what follows from it, and derives the effects of every event. */
export function complete(before: Task | undefined, decided: Decided, now: number): Outcome {
  const events = [...decided.events]
  const effects: EffectIntent[] = []
  let task = before
  for (let round = 0, more: readonly TaskEvent[] = decided.events; more.length > 0; round++) {
    if (round > MAX_FOLLOW_UPS) throw new Error('the workflow does not come to rest')
    for (const event of more) {
      const next = evolve(task, event, now)
      effects.push(...effectsOf(next, event, now), ...marks(task, next), ...wantedEffects(task, next))
      task = next
    }
    if (round > 0) events.push(...more)
    more = task ? progress(task) : []
  }
  if (!task) throw new Error('no task')
  return { ...decided, events, task, effects: dedupe(effects) }
}

function dedupe(effects: readonly EffectIntent[]): EffectIntent[] {
  return [...new Map(effects.map((effect) => [effect.key, effect])).values()]
}

function decideOne(task: Task, command: TaskCommand, now: number): Decided {
  switch (command.type) {
    case 'person':
      return decidePerson(task, { ...command, decidedAt: now })
    case 'review':
    case 'quiet.over':
    case 'reprove':
    case 'merged':
    case 'closed':
    case 'issue.closed':
    case 'pushed':
    case 'check.failed':
    case 'check.passed':
      return decideGithub(task, command, now)
    case 'surface.link':
    case 'surface.unlink':
    case 'surface.reached':
    case 'issue.link':
      return decideSurface(task, command)
    case 'child.seen':
    case 'child.ended':
    case 'parent.ended':
      return isActive(task) ? decideChild(task, command) : ignored('task_ended')
    case 'turn.told':
      return decideTurn(task, command)
    case 'plugins.look':
      return lookForPlugin(task)
    case 'step.start':
      return startStep(task, command.step)
    case 'step.fund':
      return running(task, command.step, command.attempt) ? fundStep(task, command.step) : ignored('stale_step')
    case 'turn':
      return accepted('turn', [{ type: 'turn.taken', step: command.step, costUsd: command.costUsd }])
    case 'step.result':
    case 'step.error':
    case 'step.park':
    case 'step.doing':
    case 'budget':
      return running(task, command.step, command.attempt) ? decideStep(task, command) : ignored('stale_step')
    case 'effect.done':
      return decideStep(task, command)
    case 'effect.failed':
      return 'surface' in command.body
        ? surfaceFailed(task, command.body.surface, command, now)
        : decideStep(task, command)
  }
}

function startStep(task: Task, id: string): Decided {
  const step = stepById(task, id)
  if (step?.status !== 'pending') return ignored('not_pending')
  const ruling = mayStart(task, step)
  // Whatever ends next has what waits looked at again.
  if (!ruling.ok) return ignored(ruling.reason, ruling.detail)
  const capUsd = shareOf(task, step)
  const attempt = step.attempt + 1
  return accepted('step_started', [
    { type: 'step.started', step: id, attempt, ...(capUsd === undefined ? {} : { capUsd }) },
  ])
}

/** It has spent what was kept for it: more, as long as there is any that is kept for no other. */
function fundStep(task: Task, id: string): Decided {
  const step = stepById(task, id)
  const capUsd = step && shareOf(task, step)
  if (!step || capUsd === undefined || capUsd <= (step.capUsd ?? 0)) return ignored('nothing_left')
  return accepted('step_funded', [{ type: 'step.funded', step: id, capUsd }])
}

/** A result counts only for the attempt that is running: whatever was cancelled or overtaken is dropped. */
function running(task: Task, id: string, attempt: number): boolean {
  const step = stepById(task, id)
  return step?.status === 'running' && step.attempt === attempt
}
