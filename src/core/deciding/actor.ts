import type { TaskCommand } from './commands.ts'
import type { Person, Task } from '../task/types.ts'
import { stepById } from '../task/steps.ts'

/** Who brought a decision about, for the history: a person by the platform's account, or a part of Muster. */
export function actorOf(command: TaskCommand, task: Task): string {
  switch (command.type) {
    case 'person':
    case 'review':
    case 'merged':
    case 'closed':
    case 'issue.closed':
    case 'surface.link':
    case 'issue.link':
    case 'parent.ended':
      return personActor(command.by)
    case 'surface.unlink':
      return command.by ? personActor(command.by) : `muster:${command.surface.channel}`
    case 'pushed':
    case 'check.failed':
    case 'check.passed':
    case 'reprove':
      return 'github'
    case 'turn.told':
      return 'muster:environment'
    case 'quiet.over':
    case 'plugins.look':
    case 'child.seen':
    case 'child.ended':
      return 'muster:timer'
    case 'surface.reached':
    case 'effect.done':
    case 'effect.failed':
      return 'muster:outbox'
    default:
      return `muster:${stepById(task, command.step)?.role ?? 'workflow'}`
  }
}

export function personActor({ id, login }: Person): string {
  return `github:${id}:${login}`
}
