import type { CommandOf, Invalid, Verb } from '../command.ts'
import type { Decided, PersonCommand } from '../deciding/commands.ts'
import type { Task } from '../task/types.ts'

/** A line that begins with a verb, taken apart. */
export interface Line {
  readonly rest: readonly string[]
  /** All that was said after the verb, as it was said. */
  readonly text: string
  /** The author's own lines below. */
  readonly below: string
  /** The repository's, as far as they are known. */
  readonly environments: readonly string[]
}

/** One command: how it is said, what it is for, who may, and what comes of it. A command is such an object and a line in the registry. */
export interface CommandDefinition<V extends Verb = Verb> {
  readonly verb: V
  /** How it is said, with what it takes. */
  readonly usage: string
  /** What it does, for the list of commands; undefined: not available yet. */
  readonly help: string | undefined
  /** Lines that are this command; they are tried. */
  readonly examples: readonly string[]
  /** It only tells: anybody may; with a question mark it means the same; what stands on other lines is no part of it. */
  readonly tells: boolean
  /** Whatever follows belongs to it, other lines too. */
  readonly takesWords: boolean
  /** It may be asked for politely as well: it decides nothing. What only tells may anyway. */
  readonly politely?: boolean | undefined
  /** Options that it takes. */
  readonly options?: readonly string[] | undefined
  /** It rests on the repository's settings as they are now, not as they were when the task began. */
  readonly readsSettings?: boolean | undefined
  /** Undefined: a verb with words that it has no use for is prose. */
  readonly parse: (line: Line) => CommandOf<V> | Invalid | undefined
  /** What it does to a task. @param all every command, for those that tell of them */
  readonly decide: (task: Task, said: PersonCommand, command: CommandOf<V>, all: readonly Told[]) => Decided
}

/** A command as it is told of. */
export interface Told extends Pick<CommandDefinition, 'usage' | 'help'> {
  /** The word that people say. */
  readonly verb: string
}

export function invalid(reason: string): Invalid {
  return { verb: 'invalid', reason }
}
