import type { FailedCheck } from './ci/types.ts'
import type { Awaits, CommandOf } from './command.ts'
import type { Member, Surface } from './said.ts'
import type { Person, Repository, ReviewComment } from './task/types.ts'

/** An issue or pull request as the webhook brought it. */
export interface Subject {
  readonly number: number
  readonly isPullRequest: boolean
  readonly title: string
  readonly body: string
  readonly author: Person
  readonly url: string
}

/** What was heard, normalised: who, where, when, and one of the things that matter. */
export interface Heard {
  /** `event.action` */
  readonly kind: string
  readonly repository: Repository
  readonly sender: Person & { readonly isBot: boolean }
  /** Where the conversation is held. */
  readonly key: string
  /** When it was written, by the platform's clock; NaN where it does not say. */
  readonly writtenAt: number
  readonly what: What
  /** Where it was said, if that was not on GitHub. */
  readonly elsewhere?: SaidElsewhere | undefined
}

/** Said in another channel: where, by whom, and whether that is anybody on GitHub. */
export interface SaidElsewhere {
  readonly surface: Surface
  readonly member: Member
  /** What an acknowledgement attaches to; empty where nothing can. */
  readonly messageId: string
  readonly isLinked: boolean
  /** Its address, where that is known. */
  readonly url: string
}

export type What =
  | { readonly type: 'label'; readonly label: string; readonly subject: Subject }
  | { readonly type: 'assigned'; readonly assignee: Person; readonly subject: Subject }
  | {
      readonly type: 'text'
      readonly text: string
      readonly commentId: number | undefined
      readonly subject: Subject
      /** What was done without words: a button was pressed, a ticket handed over. */
      readonly command?: CommandOf | undefined
      /** Words that somebody handed over: a request, and never a command, whatever they say. */
      readonly handed?: boolean
    }
  | {
      readonly type: 'review'
      readonly state: 'approved' | 'changes_requested' | 'commented'
      readonly comments: readonly ReviewComment[]
    }
  | { readonly type: 'merged'; readonly sha: string }
  | { readonly type: 'closed' }
  /** An issue, by somebody; merges close issues too. */
  | { readonly type: 'issue.closed' }
  | {
      readonly type: 'pushed'
      readonly headSha: string
      /** What was pushed to; undefined in what versions before wrote. */
      readonly pull?: Subject | undefined
      /** The labels that stand on the pull request. */
      readonly labels?: readonly string[] | undefined
      /** Its branch is in another repository. */
      readonly isFromFork?: boolean | undefined
    }
  | ({ readonly type: 'check.failed' } & FailedCheck)
  | { readonly type: 'check.passed'; readonly name: string; readonly headSha: string }
  /** A workflow waits at an environment to be told that it may deploy a commit; of which pull request that is, once it is known. */
  | {
      readonly type: 'awaited'
      readonly environment: string
      readonly sha: string
      readonly awaits: Awaits
      readonly pull?: Subject | undefined
    }
  | { readonly type: 'button'; readonly action: 'retry' | 'why' | 'rerun' }

/** The place of an issue or pull request as a conversation key. */
export function githubKey(repositoryId: number, number: number): string {
  return `github:${repositoryId}#${number}`
}

/** A branch of a task, for what is told of by its branch alone. */
export function branchKey(repositoryId: number, branch: string): string {
  return `github:${repositoryId}@${branch}`
}

/** A commit, for what is told of by that alone. */
export function commitKey(repositoryId: number, sha: string): string {
  return `github:${repositoryId}!${sha}`
}

/** The body of an event from the API: the operator's token is its authority. */
export interface ApiStart {
  readonly repository: Repository
  readonly subject: Subject
  readonly request: string
}

/** The app may reach repositories that it could not reach before. */
export interface Granted {
  readonly kind: string
  readonly installationId: number
  /** Who let it in. */
  readonly by: Person
  /** Whether these repositories were chosen one by one. */
  readonly isChosen: boolean
  readonly granted: readonly Repository[]
}

/** Something that needs no further look. */
export interface Unheard {
  readonly ignored: string
  readonly detail: string
}
