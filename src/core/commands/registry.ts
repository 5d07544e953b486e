import { type Command, type CommandOf, isVerb, type Verb } from '../command.ts'
import type { Ruling } from '../policy.ts'
import type { Decided, PersonCommand } from '../deciding/commands.ts'
import type { Task } from '../task/types.ts'
import { ADDED, toldOf } from './added.ts'
import type { CommandDefinition, Line, Told } from './define.ts'
import { answer, approve, goOnWith, reject } from './gates.ts'
import { link, unlink } from './places.ts'
import { bisect, deploy, lock, rollback, unlock } from './releases.ts'
import { cost, help, notify, status, why } from './telling.ts'
import { ask, build, cancel, fix, plan, retry, review } from './work.ts'

/** Every command, one line each; a verb without one does not compile. What begins work, the workflows say. */
export const COMMANDS: { readonly [V in Verb]: CommandDefinition<V> } = {
  plan,
  build,
  review,
  fix,
  ask,
  approve,
  reject,
  answer,
  deploy,
  rollback,
  bisect,
  lock,
  unlock,
  status,
  cost,
  continue: goOnWith,
  cancel,
  retry,
  link,
  unlink,
  notify,
  why,
  help,
}

/** What a line with a verb is; undefined: prose. */
export function parseAs(verb: Verb, line: Line): Command | undefined {
  return COMMANDS[verb].parse(line)
}

/** Every command that there is, as it is told of. */
export function allCommands(): readonly Told[] {
  return [...Object.values(COMMANDS), ...ADDED.all().map(toldOf)]
}

/** Whether a command rests on the repository's settings as they are now. */
export function readsSettings(verb: Command['verb']): boolean {
  return isVerb(verb) && COMMANDS[verb].readsSettings === true
}

/** What a command does to a task. */
export function decideCommand<V extends Verb>(task: Task, said: PersonCommand, command: CommandOf<V>): Decided {
  const definition: CommandDefinition<V> = COMMANDS[command.verb]
  return definition.decide(task, said, command, allCommands())
}

/** Whether somebody may give this command. Whatever starts, spends, approves or changes needs write permission. */
export function mayCommand(verb: Command['verb'], canWrite: boolean): Ruling {
  const onlyTells =
    verb === 'invalid' || verb === 'unclear' || (isVerb(verb) ? COMMANDS[verb].tells : ADDED.get(verb)?.tells === true)
  if (canWrite || onlyTells) return { ok: true, reason: 'permitted', detail: '' }
  return {
    ok: false,
    reason: 'permission',
    detail: 'only people with write permission on this repository can ask for that',
  }
}
