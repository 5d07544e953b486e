import { type Added, isVerb } from '../command.ts'
import { registry } from '../registry.ts'
import type { Decided, PersonCommand } from '../deciding/commands.ts'
import { startAgain } from '../deciding/saying.ts'
import type { Task } from '../task/types.ts'
import { lineOf, unclear } from '../unclear.ts'
import type { Line, Told } from './define.ts'

/** A command of a plug-in's. What it begins, the workflows say (`opensBy`). */
export interface AddedCommand {
  readonly name: Added['verb']
  /** What people say; nobody else's. */
  readonly word: string
  /** How it is said, with what it takes; begins with the word. */
  readonly usage: string
  /** What it does, for the list of commands. */
  readonly help: string
  /** Lines that are this command; they are tried. */
  readonly examples: readonly string[]
  /** It only tells: anybody may. */
  readonly tells: boolean
  /** Whether anything may follow the word; else it stands alone, and a line with more to it is prose. */
  readonly takesWords: boolean
  /** What it does to a task that is there; undefined: it tells of that one, and its words go into it. */
  readonly decide?: ((task: Task, said: PersonCommand, command: Added) => Decided) | undefined
}

/** The commands of plug-ins. */
export const ADDED = registry<never, AddedCommand>('the command', {})

/** A word that is nobody's: no verb, nothing that people say out of politeness, and long enough to be no slip. */
const WORD = /^[a-z][a-z-]{2,20}$/

/** Adds a command of a plug-in's, once, when the process starts. @throws Error where its word is taken, or is none */
export function addCommand(command: AddedCommand): void {
  const { name, word, usage } = command
  const fail = (what: string) => {
    throw new Error(`the command ${name}: ${what}`)
  }
  if (!WORD.test(word)) fail(`"${word}" is no word of 3 to 21 small letters`)
  if (isVerb(word) || addedBy(word)) fail(`"${word}" is a command that is there already`)
  const taken = unclear(lineOf(word).bare, '', undefined, () => false)
  if (taken && taken.kind !== 'word') fail(`"${word}" is what people say (${taken.kind}), or nearly a command`)
  if (usage.split(' ', 1)[0] !== word) fail(`its usage begins with "${word}"`)
  ADDED.add(name, command)
}

/** The command that is said by a word; undefined where it is none of a plug-in's. */
export function addedBy(word: string): AddedCommand | undefined {
  return ADDED.all().find((one) => one.word === word)
}

/** The words of all of them. */
export function addedWords(): string[] {
  return ADDED.all().map(({ word }) => word)
}

/** As it is told of. */
export function toldOf({ word, usage, help }: AddedCommand): Told {
  return { verb: word, usage, help }
}

/** What a line with its word is; undefined: prose. */
export function parseAdded(
  { name, takesWords }: AddedCommand,
  { text, rest }: Pick<Line, 'text' | 'rest'>,
): Added | undefined {
  return takesWords || rest.length === 0 ? { verb: name, text: takesWords ? text : '' } : undefined
}

/** What it does to a task. @throws Error where its plug-in is not there */
export function decideAdded(task: Task, said: PersonCommand, command: Added): Decided {
  const { decide } = ADDED.of(command.verb)
  return decide ? decide(task, said, command) : startAgain(task, said, command.text)
}
