import type { PluginId } from './registry.ts'

/** The verbs of the public interface, in the order in which they are told of. What each means: `commands/`. */
export const VERBS = [
  'plan',
  'build',
  'review',
  'fix',
  'ask',
  'approve',
  'reject',
  'answer',
  'deploy',
  'rollback',
  'bisect',
  'lock',
  'unlock',
  'status',
  'cost',
  'continue',
  'cancel',
  'retry',
  'link',
  'unlink',
  'notify',
  'why',
  'help',
] as const
export type Verb = (typeof VERBS)[number]

/** A run on GitHub that waits until it may deploy, and the deployment that it makes. */
export interface Awaits {
  readonly run: number
  readonly deployment: number
}

/** What is said with a verb. */
interface Words {
  readonly text: string
}
interface Where {
  readonly environment: string
  readonly ref: string | undefined
}
interface Locked {
  readonly environment: string
  readonly text: string
}
type Taken = {
  readonly [V in Exclude<
    Verb,
    'approve' | 'reject' | 'deploy' | 'rollback' | 'bisect' | 'lock' | 'unlock' | 'continue' | 'link' | 'unlink'
  >]: Words
} & {
  readonly approve: { readonly sha: string | undefined }
  /** What is rejected, by the beginning of its name, where that was told apart from the reason. */
  readonly reject: Words & { readonly name?: string | undefined }
  readonly deploy: Where & { readonly awaits?: Awaits | undefined }
  readonly rollback: Where
  /** Without commits, those of the release that got worse. */
  readonly bisect: { readonly environment: string; readonly good: string | undefined; readonly bad: string | undefined }
  readonly lock: Locked
  readonly unlock: Locked
  readonly continue: { readonly usd: number | undefined }
  readonly link: { readonly url: URL }
  /** Without an address, the place where it is said. */
  readonly unlink: { readonly url: URL | undefined }
}

/** A command with one of these verbs, as it was said. */
export type CommandOf<V extends Verb = Verb> = { [Each in V]: { readonly verb: Each } & Taken[Each] }[V]

/** A verb with something that it cannot take. */
export interface Invalid {
  readonly verb: 'invalid'
  readonly reason: string
}

/** Words after the mention that are no command. */
export interface Request {
  readonly verb: 'request'
  readonly text: string
}

/** A command of a plug-in's, with whatever was said after its word. */
export interface Added {
  readonly verb: PluginId
  readonly text: string
}

/** What a person said to Muster. */
export type Command =
  | CommandOf
  | Added
  | Request
  | Invalid
  /** Said to Muster in the middle of a sentence: heard, and nothing more. */
  | Note
  /** Nearly a command, or said out of politeness: never a request, and changes nothing. */
  | Unclear

export interface Note {
  readonly verb: 'note'
  readonly text: string
  /** Where it is nearly a command, or thanks: what it is taken for instead. */
  readonly meant: Unclear | undefined
}

export interface Unclear {
  readonly verb: 'unclear'
  /**
   * `approval`: sounds like one (`lgtm`); `assent`: a yes or no, which answers a question; `stop`: sounds like an end or a pause;
   * `typo`: nearly a command; `courtesy`: thanks and greetings; `word`: one word that is no command.
   */
  readonly kind: 'approval' | 'assent' | 'stop' | 'typo' | 'courtesy' | 'word'
  readonly text: string
  /** The command to say, with its arguments, where one was nearly said. */
  readonly meant: string | undefined
}

const KNOWN: ReadonlySet<string> = new Set(VERBS)

export function isVerb(word: string): word is Verb {
  return KNOWN.has(word)
}

/** Whether it is a command of a plug-in's. */
export function isAdded(command: Command): command is Added {
  return command.verb.includes('/')
}
