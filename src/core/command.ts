/** Every command of the public interface, with its help. Help is part of the registration, so it cannot be forgotten. */
export const VERBS = {
  plan: 'write the plan and wait for approval before building',
  build: 'do the work of this issue',
  review: 'review this pull request (not available yet)',
  fix: 'do the work of this issue',
  ask: '`ask <question>` answer a question about the code, change nothing',
  approve: '`approve [<sha>]` approve what is waiting (the plan, or the deploy)',
  reject: '`reject [reason]` send the plan back, with the reason',
  answer: '`answer <text>` answer the questions asked',
  deploy: '`deploy <env> [<ref>]` plan a release of the merged work',
  rollback: '`rollback <env> [<sha>]` (not available yet)',
  lock: '`lock <env> [reason]` (not available yet)',
  unlock: '`unlock <env>` (not available yet)',
  status: 'where the work stands',
  cost: 'what it has cost so far, by step',
  continue:
    '`continue [+$N]` go on after the budget was reached, with N dollars more; or without proof, where the tests cannot be run',
  cancel: 'stop the work and say what remains where',
  retry: 'try the failed step again, or the tests that could not be run',
  link: '`link <url>` let this conversation be held there as well: a Slack thread, a ticket, an issue',
  unlink: '`unlink [<url>]` let this place (or that one) go its own way again',
  why: 'what was decided on the latest events here, and why',
  help: 'this list',
} as const

export type Verb = keyof typeof VERBS

/** A command as a person wrote it; `request` is free text after the mention. */
export type Command =
  | {
      readonly verb: Exclude<
        Verb,
        'approve' | 'deploy' | 'rollback' | 'lock' | 'unlock' | 'continue' | 'link' | 'unlink'
      >
      readonly text: string
    }
  | { readonly verb: 'link'; readonly url: URL }
  /** Without an address, the place where it is said. */
  | { readonly verb: 'unlink'; readonly url: URL | undefined }
  | { readonly verb: 'approve'; readonly sha: string | undefined }
  | { readonly verb: 'deploy' | 'rollback'; readonly environment: string; readonly ref: string | undefined }
  | { readonly verb: 'lock' | 'unlock'; readonly environment: string; readonly text: string }
  | { readonly verb: 'continue'; readonly usd: number | undefined }
  | { readonly verb: 'request'; readonly text: string }
  /** Said to Muster in the middle of a sentence: heard, and nothing more. */
  | Note
  | { readonly verb: 'invalid'; readonly reason: string }
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

export function isVerb(word: string): word is Verb {
  return Object.hasOwn(VERBS, word)
}
