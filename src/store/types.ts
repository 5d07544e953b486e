import type { EffectBody, EffectIntent, EffectResult } from '../core/effects.ts'
import type { Arrival, InboundEvent } from '../core/inbound.ts'
import type { Decision } from '../core/task/commands.ts'
import type { Task, TaskEvent, TaskStatus } from '../core/task/types.ts'
import type { Sample } from '../core/traffic.ts'

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

export interface InboxStore {
  /** Stores an arrival. The same (source, delivery id) again is kept as a duplicate of the first. */
  insert(arrival: Arrival): Promise<{ id: string; duplicate: boolean }>
  get(id: string): Promise<{ event: InboundEvent; body: Uint8Array; attempts: number } | undefined>
  decide(id: string, decision: Decision, links: InboundLinks): Promise<void>
  /** Notes a failed try: the event counts as deferred until it is decided. */
  postpone(id: string, detail: string): Promise<void>
  /** Ids of events that wait for a decision, oldest first. */
  undecided(): Promise<string[]>
  list(
    filter: { source?: string | undefined; deliveryId?: string | undefined; conversation?: string | undefined },
    page: PageQuery,
  ): Promise<Page<InboundEvent>>
}

export interface InboundLinks {
  readonly conversationId?: string | undefined
  readonly taskId?: string | undefined
  readonly kind?: string | undefined
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
}

/** Everything a decision changes, written in one transaction. */
export interface Commit {
  readonly task: Task
  /** The version the decision was made on; 0 for a new task. */
  readonly basedOn: number
  readonly events: readonly TaskEvent[]
  readonly effects: readonly EffectIntent[]
  readonly at: number
  readonly inbound?:
    | { readonly id: string; readonly decision: Decision; readonly kind?: string | undefined }
    | undefined
  readonly turn?: TurnRow | undefined
  readonly effectDone?: { readonly id: string; readonly revision: number; readonly result: EffectResult } | undefined
  readonly effectFailed?: { readonly id: string; readonly error: string } | undefined
  /** Further places where this conversation is held from now on. */
  readonly links?: readonly string[] | undefined
}

export interface TaskStore {
  commit(commit: Commit): Promise<void>
  get(id: string): Promise<Task | undefined>
  /** The newest task of a conversation. */
  latest(conversationId: string): Promise<Task | undefined>
  /** How many tasks a conversation has had. */
  count(conversationId: string): Promise<number>
  unfinished(): Promise<string[]>
  events(id: string, page: PageQuery): Promise<Page<StoredEvent>>
  list(page: PageQuery): Promise<Page<TaskSummary>>
}

export interface ConversationStore {
  /** The conversation held at this place, made if there is none. */
  at(key: string): Promise<string>
  find(key: string): Promise<string | undefined>
}

export type EffectStatus = 'intent' | 'sent' | 'done' | 'unknown' | 'failed'

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
}

export interface EffectStore {
  /** Effects outside a task (a refusal, an answer to a stranger). Known keys are left alone. */
  add(
    scope: string,
    conversationId: string,
    taskId: string | undefined,
    effects: readonly EffectIntent[],
  ): Promise<void>
  /** Everything that still has to be seen outside, in order. */
  open(limit: number): Promise<StoredEffect[]>
  markSent(id: string): Promise<void>
  postpone(id: string, status: EffectStatus, until: Date, error: string): Promise<void>
  finish(id: string, revision: number, result: EffectResult): Promise<void>
  fail(id: string, error: string): Promise<void>
}

export interface TurnRow {
  readonly taskId: string
  readonly step: string
  readonly attempt: number
  readonly ordinal: number
  readonly model: string
  readonly response: unknown
  readonly results: unknown
  readonly inputTokens: number
  readonly outputTokens: number
  readonly costUsd: number
}

export interface TurnStore {
  list(taskId: string, step: string, attempt: number): Promise<TurnRow[]>
  saveResults(turn: Pick<TurnRow, 'taskId' | 'step' | 'attempt' | 'ordinal'>, results: unknown): Promise<void>
}

export interface ReleaseRow {
  readonly id: string
  readonly repository: string
  readonly environment: string
  readonly sha: string
  readonly taskId: string
  readonly status: 'building' | 'starting' | 'live' | 'failed' | 'retired'
  readonly port: number | undefined
  readonly pid: number | undefined
  /** Start time of the process in clock ticks since boot: tells a reused pid apart. */
  readonly startedTick: string | undefined
  readonly dir: string
  readonly command: ReleaseCommand
  readonly detail: string | undefined
  readonly liveAt: Date | undefined
}

/** How a release is started, and where people reach it. */
export interface ReleaseCommand {
  readonly start: string
  readonly health: string
  readonly publicPort: number
  readonly env: Readonly<Record<string, string>>
}

export interface ReleaseStore {
  save(row: ReleaseRow): Promise<void>
  get(id: string): Promise<ReleaseRow | undefined>
  /** The release that serves an environment now. */
  live(repository: string, environment: string): Promise<ReleaseRow | undefined>
  allLive(): Promise<ReleaseRow[]>
  list(repository: string, environment: string): Promise<ReleaseRow[]>
  addSamples(repository: string, environment: string, sha: string, samples: readonly Sample[]): Promise<void>
  samples(repository: string, environment: string, from: Date, to: Date): Promise<Sample[]>
}

export interface InstanceStore {
  get(key: string): Promise<unknown>
  /** Sets a value unless there is one; answers what then stands there. */
  setOnce(key: string, value: unknown): Promise<unknown>
  set(key: string, value: unknown): Promise<void>
}

/** The database, whichever it is. */
export interface Store {
  readonly inbox: InboxStore
  readonly tasks: TaskStore
  readonly conversations: ConversationStore
  readonly effects: EffectStore
  readonly turns: TurnStore
  readonly releases: ReleaseStore
  readonly instance: InstanceStore
  /** Answers when the database does. */
  ping(): Promise<void>
}
