import type { AnswerStore } from '../llm/types.ts'
import type { UsageStore } from './usage/types.ts'
import type { EffectBody, EffectIntent, EffectResult } from '../core/effects.ts'
import type { ChainEnd } from '../core/chain.ts'
import type { Arrival, InboundEvent, Part } from '../core/inbound.ts'
import type { RateState } from '../core/rate.ts'
import type { Decision } from '../core/deciding/commands.ts'
import type { Surface } from '../core/said.ts'
import type { InstallStore } from '../installs/types.ts'
import type { EnvironmentStore, ReleaseStore } from '../releases/types.ts'
import type { PeopleStore } from '../people/types.ts'
import type { Task, TaskEvent, TaskStatus } from '../core/task/types.ts'
import type { Work } from '../core/task/work.ts'
import type { Fence, LeaseStore, ProcessStore } from '../leases/types.ts'

/** A page of a list; `next` is the cursor of the following page. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | null
}

export interface PageQuery {
  readonly limit: number
  readonly cursor: string | undefined
}

/** Raised when a task was changed by somebody else in between; the caller decides anew. */
export class Conflict extends Error {}
/** Raised when whoever writes no longer has what it works on: somebody else took it over. Nothing was written. */
export class Fenced extends Error {}
/** Raised when what was to be settled is settled already. Nothing was written. */
export class Settled extends Error {}

export interface StoredInbound {
  readonly event: InboundEvent
  readonly body: Uint8Array
  readonly lane: string | undefined
  readonly account: string | undefined
  readonly attempts: number
  /** Of several commands in it: what became of the first ones. */
  readonly parts: readonly Decision[]
  readonly retryAt: Date | undefined
}

export interface InboxStore {
  /** Stores an arrival. The same (source, delivery id) again is kept as a duplicate of the first. */
  insert(arrival: Arrival): Promise<{ id: string; duplicate: boolean }>
  get(id: string): Promise<StoredInbound | undefined>
  /** Decides an event that is not decided yet; later decisions change nothing. */
  decide(id: string, decision: Decision, links: InboundLinks): Promise<void>
  /** Notes a failed try: the event counts as deferred until it is decided. */
  postpone(id: string, detail: string, retryAt: Date): Promise<void>
  /** Names the lane of an event whose lane could not be told on arrival. */
  setLane(id: string, lane: string): Promise<void>
  /** The events of these lanes that wait for a decision, in the order they came. */
  waiting(lanes: readonly string[], limit: number): Promise<StoredInbound[]>
  /** Events that have waited so long for a decision, oldest first. */
  undecided(olderThanMs: number, limit: number): Promise<{ id: string; account: string | undefined }[]>
  /** Whether an event that is stored for a lane has this text in its payload. */
  has(lane: string, text: string): Promise<boolean>
  /** Makes a refused event wait for a decision again. */
  reopen(id: string): Promise<boolean>
  list(
    filter: { source?: string | undefined; deliveryId?: string | undefined; conversation?: string | undefined },
    page: PageQuery,
  ): Promise<Page<InboundEvent>>
}

export interface InboundLinks {
  readonly conversationId?: string | undefined
  readonly taskId?: string | undefined
  readonly kind?: string | undefined
  /** Which of several commands this decides; undefined: the whole event. */
  readonly part?: Part | undefined
}

export interface TaskSummary {
  readonly id: string
  readonly conversationId: string
  readonly status: TaskStatus
  readonly workflow: string
  readonly title: string
  readonly repository: string
  readonly costUsd: number
  readonly createdAt: Date
  readonly finishedAt: Date | undefined
}

export interface StoredEvent {
  readonly seq: number
  readonly event: TaskEvent
  readonly at: Date
  /** Who brought it about, and why. */
  readonly actor: string | undefined
  readonly reason: string | undefined
  readonly hash: string | undefined
}

/** A task with the end of its chain. */
export interface LoadedTask {
  readonly task: Task
  readonly chain: ChainEnd | undefined
}

/** A task that waits for a worker or a time. */
export interface WaitingTask {
  readonly id: string
  readonly account: string
  /** Undefined where an older version wrote the task: then it has to be read. */
  readonly work: readonly Work[] | undefined
}

/** Everything a decision changes, written in one transaction. */
export interface Commit {
  readonly task: Task
  /** The version the decision was made on; 0 for a new task. */
  readonly basedOn: number
  /** The end of the chain it goes on from; undefined for a new task, or where it is not known. */
  readonly chain?: ChainEnd | undefined
  readonly events: readonly TaskEvent[]
  readonly effects: readonly EffectIntent[]
  /** Effects of the conversation rather than of the task: an acknowledgement, an answer. */
  readonly beside?: readonly EffectIntent[] | undefined
  readonly at: number
  readonly actor: string
  readonly reason: string
  /** Nothing is written unless this claim still holds. */
  readonly fence?: Fence | undefined
  /** Gives the claim back with the commit. */
  readonly release?: boolean | undefined
  readonly inbound?:
    | {
        readonly id: string
        readonly decision: Decision
        readonly kind?: string | undefined
        readonly part?: Part | undefined
      }
    | undefined
  readonly turn?: TurnRow | undefined
  readonly effectDone?: { readonly id: string; readonly revision: number; readonly result: EffectResult } | undefined
  readonly effectFailed?: { readonly id: string; readonly error: string } | undefined
  /** Further places where this conversation is held from now on. */
  readonly links?: readonly string[] | undefined
  /** Places where it is not held any more. */
  readonly unlinks?: readonly string[] | undefined
}

export interface TaskStore {
  /**
   * Writes all of it, or nothing.
   * @returns the new end of the chain
   * @throws Conflict, Fenced, Settled
   */
  commit(commit: Commit): Promise<ChainEnd>
  load(id: string): Promise<LoadedTask | undefined>
  get(id: string): Promise<Task | undefined>
  /** The newest task of a conversation. */
  latest(conversationId: string): Promise<Task | undefined>
  /** How many tasks a conversation has had. */
  count(conversationId: string): Promise<number>
  /** Tasks with something to do that nobody has touched for so long, oldest first. */
  waiting(olderThanMs: number, limit: number): Promise<WaitingTask[]>
  /** The tasks that have not ended and need a plug-in, or wait for one. */
  ofPlugins(): Promise<string[]>
  /** The versions of these tasks, to notice what other processes decided. */
  versions(ids: readonly string[]): Promise<ReadonlyMap<string, number>>
  events(id: string, page: PageQuery): Promise<Page<StoredEvent>>
  list(page: PageQuery): Promise<Page<TaskSummary>>
  /** The newest of those that are not finished. */
  unfinished(limit: number): Promise<readonly Task[]>
  /** Where else the conversations of unfinished tasks are held. */
  surfaces(): Promise<readonly Surface[]>
  export(id: string): Promise<Exported | undefined>
}

export interface ConversationStore {
  /** The conversation held at this place, made if there is none. */
  at(key: string): Promise<string>
  find(key: string): Promise<string | undefined>
  /** Every place where the conversation at this one is held, the first of them first; the key itself while there is none. */
  places(key: string): Promise<readonly string[]>
  /** @returns false where the place belongs to another conversation with work under way */
  link(key: string, conversationId: string): Promise<boolean>
  unlink(key: string, conversationId: string): Promise<void>
}

export type EffectStatus = 'intent' | 'sent' | 'done' | 'unknown' | 'failed' | 'dropped'

export interface StoredEffect {
  readonly id: string
  readonly scope: string
  readonly key: string
  readonly conversationId: string
  readonly taskId: string | undefined
  readonly body: EffectBody
  readonly status: EffectStatus
  readonly revision: number
  readonly result: EffectResult | undefined
  readonly attempts: number
  readonly notBefore: Date | undefined
  readonly sentAt: Date | undefined
  readonly createdAt: Date
  /** Since when it is tried. */
  readonly since: Date
}

/** So many effects of a lane are read at once. */
export const LANE_BATCH = 100

/** A lane that this process may send from for now. */
export interface LaneClaim {
  readonly name: string
  readonly account: string
  readonly token: string
  readonly bumps: string
  readonly effects: readonly StoredEffect[]
}

export interface ClaimQuery {
  readonly holder: string
  /** Holders that are known to have died: what they had is free. */
  readonly dead: readonly string[]
  /** Accounts that have nothing to spend, or as much under way as they may. */
  readonly without: readonly string[]
  /** No more lanes of one account than this. */
  readonly perAccount: number
  readonly limit: number
  readonly ttlMs: number
  readonly now: Date
}

export interface EffectStore {
  /** Effects outside a task (a refusal, an answer to a stranger). Known keys are left alone. */
  add(
    scope: string,
    conversationId: string,
    taskId: string | undefined,
    effects: readonly EffectIntent[],
  ): Promise<void>
  /** Takes lanes that are due, a fair share of each account, the most urgent first. */
  claim(query: ClaimQuery): Promise<LaneClaim[]>
  /** What is open in a lane now, in order, and how often it was added to. */
  lane(name: string): Promise<{ bumps: string; effects: StoredEffect[] }>
  /** Gives a lane back, due again at `due` (never: it is empty). @returns false when something was added meanwhile: then it is still held */
  leave(claim: Pick<LaneClaim, 'name' | 'token' | 'bumps'>, due: Date | undefined): Promise<boolean>
  /** Notes that a request is about to leave. @throws Fenced */
  markSent(id: string, fence: Fence): Promise<void>
  postpone(id: string, status: EffectStatus, until: Date, error: string, fence: Fence): Promise<void>
  /**
   * Settles an effect.
   * @param lane where given, the lane is left in the same breath, if nothing was added to it
   * @returns whether the lane was left. @throws Fenced
   */
  finish(
    id: string,
    revision: number,
    result: EffectResult,
    fence: Fence,
    lane?: Pick<LaneClaim, 'name' | 'token' | 'bumps'>,
  ): Promise<boolean>
  fail(id: string, error: string, fence: Fence): Promise<void>
  /** Puts into lanes what an older version wrote without one, and lanes that were lost. @returns how many */
  repair(limit: number): Promise<number>
  /** Sends a failed effect again, or gives it up for good. @returns false when it is not a failed one */
  reopen(id: string): Promise<boolean>
  drop(id: string): Promise<boolean>
}

/** Work that could not be done, for a person to look at. */
export interface DeadLetter {
  readonly id: string
  readonly kind: 'effect' | 'event'
  readonly what: string
  readonly error: string
  readonly at: Date
  readonly task: string | undefined
  readonly conversation: string | undefined
}

export interface DeadLetterStore {
  list(page: PageQuery): Promise<Page<DeadLetter>>
  /** One of them with everything that is stored of it. */
  get(id: string): Promise<{ readonly letter: DeadLetter; readonly stored: unknown } | undefined>
  /** Takes it off the list without trying it again. */
  drop(id: string): Promise<boolean>
}

/** Token buckets, shared by compare-and-set. */
export interface RateStore {
  get(account: string): Promise<{ version: number; state: RateState } | undefined>
  /** @returns false when somebody else was faster */
  set(account: string, basedOn: number, state: RateState): Promise<boolean>
}

export interface TurnRow {
  readonly taskId: string
  readonly step: string
  readonly attempt: number
  readonly ordinal: number
  /** The model that answered. */
  readonly model: string
  readonly response: unknown
  readonly results: unknown
  /** All tokens of the prompt: those from and for a cache are among them. */
  readonly inputTokens: number
  readonly outputTokens: number
  readonly costUsd: number
  /** These are null in turns of before 0.5. */
  readonly provider: string | null
  readonly tier: string | null
  /** Why this model was asked. */
  readonly reason: string | null
  /** How long it took to answer. */
  readonly ms: number | null
  readonly cacheReadTokens: number | null
  readonly cacheWriteTokens: number | null
  /** The prompt's name and version. */
  readonly prompt: string | null
  /** With the first turn, what the conversation was opened with; with later ones, what people said before them. */
  readonly opening: string | null
}

export interface TurnStore {
  list(taskId: string, step: string, attempt: number): Promise<TurnRow[]>
  /** Every turn of a task. */
  all(taskId: string): Promise<TurnRow[]>
  /** @throws Fenced */
  saveResults(
    turn: Pick<TurnRow, 'taskId' | 'step' | 'attempt' | 'ordinal'>,
    results: unknown,
    fence: Fence | undefined,
  ): Promise<void>
}

export interface InstanceStore {
  get(key: string): Promise<unknown>
  /** Sets a value unless there is one; answers what then stands there. */
  setOnce(key: string, value: unknown): Promise<unknown>
  set(key: string, value: unknown): Promise<void>
}

type StoredRow = Readonly<Record<string, unknown>>

/** Everything that is stored about a task, as rows of the tables; `format` is the form of it. */
export interface Exported {
  readonly format: 1
  readonly task: StoredRow
  readonly events: readonly StoredRow[]
  readonly turns: readonly StoredRow[]
  readonly effects: readonly StoredRow[]
  readonly inbound: readonly StoredRow[]
  readonly releases: readonly StoredRow[]
  readonly places: readonly StoredRow[]
}

/** Whether a task's history is what was written. */
export interface Verdict {
  readonly ok: boolean
  readonly problems: readonly string[]
  readonly events: number
  /** Events that a version before the chain wrote. */
  readonly unchained: number
}

export interface ArchiveStore {
  /** Tasks that ended before a time, whole. */
  oldTasks(before: Date, limit: number): Promise<readonly Exported[]>
  deleteTasks(ids: readonly string[]): Promise<void>
  /** Decided events that led to no task. */
  oldEvents(before: Date, limit: number): Promise<readonly StoredRow[]>
  deleteEvents(ids: readonly string[]): Promise<void>
}

/** The database, whichever it is. */
export interface Store {
  readonly inbox: InboxStore
  readonly tasks: TaskStore
  readonly conversations: ConversationStore
  readonly people: PeopleStore
  readonly installs: InstallStore
  readonly effects: EffectStore
  readonly deadLetters: DeadLetterStore
  readonly leases: LeaseStore
  readonly processes: ProcessStore
  readonly rates: RateStore
  readonly turns: TurnStore
  readonly usage: UsageStore
  readonly answers: AnswerStore
  readonly releases: ReleaseStore
  readonly environments: EnvironmentStore
  readonly instance: InstanceStore
  readonly archive: ArchiveStore
  /** Answers when the database does. */
  /** Whether it can be read and written. */
  ping(): Promise<void>
  /** The database's clock, ms since the epoch, read without asking it: what processes agree on, whatever their own clocks say. */
  now(): number
}
