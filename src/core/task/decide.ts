import type { EffectIntent } from '../effects.ts'
import { accepted, type Decided, ignored, type TaskCommand } from './commands.ts'
import { effectsOf } from './effects.ts'
import { evolve } from './evolve.ts'
import { decideGithub } from './github.ts'
import { decidePerson } from './person.ts'
import { marks } from './marks.ts'
import { progress } from './progress.ts'
import { decideStep } from './results.ts'
import { decideSurface, surfaceFailed } from './surfaces.ts'
import { stepById } from './steps.ts'
import type { Task } from './types.ts'

/** The whole outcome of a command: stored and sent in one transaction. */
export interface Outcome extends Decided {
  readonly task: Task
  readonly effects: readonly EffectIntent[]
}

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
  for (let index = 0; index < events.length; index++) {
    const event = events[index]
    if (!event || index > MAX_FOLLOW_UPS) throw new Error('the workflow does not come to rest')
    const next = evolve(task, event, now)
    effects.push(...effectsOf(next, event, now), ...marks(task, next))
    task = next
    if (index === events.length - 1) events.push(...progress(next))
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
      return decidePerson(task, command)
    case 'review':
    case 'quiet.over':
    case 'reprove':
    case 'merged':
    case 'closed':
    case 'issue.closed':
    case 'pushed':
    case 'check.failed':
      return decideGithub(task, command, now)
    case 'surface.link':
    case 'surface.unlink':
    case 'surface.reached':
    case 'issue.link':
      return decideSurface(task, command)
    case 'step.start':
      return startStep(task, command.step)
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
  return accepted('step_started', [{ type: 'step.started', step: id, attempt: step.attempt + 1 }])
}

/** A result counts only for the attempt that is running: whatever was cancelled or overtaken is dropped. */
function running(task: Task, id: string, attempt: number): boolean {
  const step = stepById(task, id)
  return step?.status === 'running' && step.attempt === attempt
}
