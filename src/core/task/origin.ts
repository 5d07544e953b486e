import type { Figures } from '../artefacts.ts'
import type { Surface } from '../said.ts'
import type { Person } from './decided.ts'

export interface Repository {
  readonly id: number
  readonly owner: string
  readonly name: string
  readonly defaultBranch: string
  readonly installationId: number
}

export interface PullOf {
  readonly base: string
  /** Its own branch, where the work is to go into that; undefined where nothing of it is changed. */
  readonly head?: string | undefined
}

/** The branch that work begins from and goes into: a pull request's own where that is to be mended, else the default one. */
export function trunkOf({ repository, pull }: Pick<Origin, 'repository' | 'pull'>): string {
  return pull?.head ?? repository.defaultBranch
}

/** What started the work: the webhook's own text, as it was when the event arrived. */
export interface Origin {
  readonly repository: Repository
  /** The issue or pull request in whose thread the conversation is held; 0 where there is none (yet). */
  readonly number: number
  readonly isPullRequest: boolean
  /** Of a pull request: what it goes into. Undefined for an issue, and in histories from before 0.5. */
  readonly pull?: PullOf | undefined
  readonly title: string
  readonly body: string
  readonly author: Person
  readonly requester: Person
  readonly trigger: 'label' | 'mention' | 'assignment' | 'api' | 'message' | 'ticket' | 'task' | 'deployment'
  /** Which task of its conversation this is, counted from 1. */
  readonly nth: number
  /** The task, and its step, that waits for this one; and how many wait for each other up to here. */
  readonly parent?: { readonly task: string; readonly step: string; readonly depth: number } | undefined
  /** Words that came with a mention. */
  readonly request: string
  /** When it was asked, ms, by the clock of the platform where it was; undefined where that does not say. */
  readonly askedAt?: number | undefined
  readonly url: string
  /** Where it was asked, if that was not on GitHub. */
  readonly surface?: Surface | undefined
  /** What it was asked by there, where signs can be put on that. */
  readonly messageId?: string | undefined
  /** What the tickets say that the request names, for whoever works on it; never copied to where others read. */
  readonly tickets?: readonly string[] | undefined
  /** What was said before it in its conversation, the oldest first; never copied to where others read. */
  readonly thread?: readonly HeardBefore[] | undefined
  /** The release that was taken back, for which nobody has asked but the settings of its environment. */
  readonly mends?: Mends | undefined
  /** What is asked gets an issue of its own before the work begins. */
  readonly opensIssue?: boolean | undefined
}

/** A release that got worse and was taken back, as the work that mends it knows it. */
export interface Mends {
  readonly task: string
  readonly release: number
  readonly environment: string
  readonly sha: string
  /** What was gone back to. */
  readonly to: string
  /** Where its conversation is. */
  readonly url: string
  readonly before: Figures
  readonly after: Figures
  /** The last that it has printed, and when it was looked at; ms since the epoch. */
  readonly log: string
  readonly at: number
}

/** A message of the conversation in which something was asked for. */
export interface HeardBefore {
  readonly by: string
  /** What its author may do on the repository, asked when the task was opened. */
  readonly authority: 'may write' | 'may not write' | 'unknown on GitHub'
  readonly at: number
  readonly text: string
  readonly attached: readonly string[]
  readonly isForwarded: boolean
  /** The words are a model's, that told it in short. */
  readonly isShortened?: boolean | undefined
}
