import type { FailedCheck } from '../core/ci/types.ts'
import type { EffectBody, EffectResult, Trouble } from '../core/effects.ts'
import type { Arrival } from '../core/inbound.ts'
import type { Cost } from '../core/rate.ts'
import type { Granted, Heard, Subject, Unheard } from '../core/heard.ts'
import type { Member, Remark, Surface, Ticket } from '../core/said.ts'
import type { ReleaseFacts } from '../releases/types.ts'
import type { Person, Repository, Task } from '../core/task/types.ts'

export type Headers = Readonly<Record<string, string | string[] | undefined>>
export type Received =
  | { readonly ok: true; readonly arrival: Arrival }
  /** Nothing to be stored: the platform only wants this answer. */
  | { readonly ok: true; readonly answer: { readonly type: string; readonly body: string } }
  | { readonly ok: false; readonly status: 400 | 401; readonly detail: string }

/** Checks a call before anything of it is read: signature first. */
export interface Verifier {
  /** Whether there is a signature at all, of the right form: without one the body is not even taken. */
  looksSigned(headers: Headers): boolean
  receive(headers: Headers, body: Buffer): Received | Promise<Received>
}

/** What a channel owes the inbox: to read what arrived. */
export interface Receiver {
  /** Normalises a stored payload. Anything may come; whatever is not understood is named and ignored. */
  read(kind: string, body: Uint8Array): Heard | Granted | Unheard
}

/** How a channel fetches what was missed while nobody listened. */
export interface CatchUp {
  readonly source: string
  /**
   * @param since until when everything is known to have arrived; both ms since the epoch
   * @returns how many deliveries were asked for again, the ids of events that were found otherwise and stored, and the lists
   *   that were too long to be read whole
   */
  run(
    since: number,
    now: number,
  ): Promise<{ readonly asked: number; readonly found: readonly string[]; readonly cut: readonly string[] }>
}

/** What was done, or what only people can mend, for the operator. */
export interface Tended {
  readonly text: string
  readonly isWrong: boolean
}

/** What catching up needs to know of the inbox. */
export interface CatchUpStore {
  /** Whether a delivery with this id is in the inbox. */
  isKnown(deliveryId: string): Promise<boolean>
  /** Whether an event of this lane has this text in its payload. */
  has(lane: string, text: string): Promise<boolean>
  insert(arrival: Arrival): Promise<{ id: string; duplicate: boolean }>
}

/** What a channel beside GitHub tells about itself, asked live. */
export interface ChannelFacts {
  /** Where what was said can be read; empty where nobody knows. */
  permalink(surface: Surface, messageId: string): Promise<string>
  /** Whether somebody belongs to the workspace itself: no guest, nobody from elsewhere. */
  isFullMember(member: Member): Promise<boolean>
  /** The ticket as it is now; undefined where there is none. */
  ticket(surface: Surface): Promise<Ticket | undefined>
  /** Whoever changed a ticket's words since it was made; where more did than are told, somebody unknown is among them. */
  editors?(surface: Surface): Promise<readonly Member[]>
  /** Addresses that people have put on a ticket beside its text. */
  links?(surface: Surface): Promise<readonly string[]>
  /** The place in this channel that an address leads to; undefined where it leads to none that Muster can see. */
  surfaceAt(url: URL): Promise<Surface | undefined>
  /** The place that people call by this name (`SHOP-12`); undefined where there is none. */
  surfaceNamed(name: string): Promise<Surface | undefined>
  /**
   * Begins a thread for what was said by a command, which stands in none. Begun twice, it is the same one.
   * @param marker tells it from others
   * @param since when the command was heard, ms since the epoch
   * @returns undefined where Muster may not write: it could not hear the answers either
   */
  thread?(surface: Surface, words: string, marker: string, since: number): Promise<Surface | undefined>
  /** What was said in a conversation before a message, the oldest first, and what hangs on the message itself; without Muster's own words. @throws SendError */
  conversation?(surface: Surface, messageId: string): Promise<readonly Remark[]>
  /** A text with the names of the people whom it mentions by their ids. */
  named?(surface: Surface, text: string): Promise<string>
  /** The e-mail address of somebody's account, as the channel has verified it; undefined where that is not told, or not to be trusted. */
  emailOf(member: Member): Promise<string | undefined>
}

/** A remark at a line of a pull request. */
export interface PullRemark {
  readonly author: Person
  readonly at: number
  readonly text: string
}

/** What a channel owes the workflow: facts, asked live. */
export interface Platform {
  /** Whether this account, by its numeric id, may write to the repository right now. */
  canWrite(repository: Repository, person: Person): Promise<boolean>
  /** What this account is in a repository, and which of some teams it belongs to (`org/team`, in small letters). */
  readonly standing: ReleaseFacts['standing']
  /** The newest run of every check on a commit, with the statuses of other systems. */
  readonly checks: ReleaseFacts['checks']
  /** The settings file of the repository (or its owner's default), undefined where there is none. */
  settingsFile(repository: Repository): Promise<{ text: string; where: string } | undefined>
  /** Whether a branch, a tag or a commit of that name is there. */
  hasCommit(repository: Repository, ref: string): Promise<boolean>
  /** The account that Muster itself writes as. */
  self(): Promise<{ id: number; slug: string; name: string; email: string }>
  /** A repository that the app is installed on, by its name. */
  findRepository(owner: string, name: string): Promise<Repository | undefined>
  /** Some of the repositories that the app is installed on, for people to choose from. */
  repositories(limit: number): Promise<Repository[]>
  /** A pull request as it is now; undefined where there is none. */
  findPull(
    repository: Repository,
    number: number,
  ): Promise<
    { readonly base: string; readonly head: string; readonly isOpen: boolean; readonly isFork: boolean } | undefined
  >
  /** The pull request that brought a commit, the merged one first; undefined where there is none. */
  pullOf(repository: Repository, sha: string): Promise<Subject | undefined>
  /** Says to a run that waits at an environment why it does. */
  tellWaiting(repository: Repository, run: number, environment: string, text: string): Promise<void>
  /** The pictures that stand in an issue, as they are stored: some at most, none that is very large; none where its text is another by now. */
  pictures(repository: Repository, number: number, text: string): Promise<readonly Uint8Array[]>
  /** What reviews have said at lines of a pull request, the oldest first; some hundreds at most. */
  remarks(repository: Repository, number: number): Promise<readonly PullRemark[]>
  /** A failed check with whatever can be read of why. @param baseSha what the change began with */
  moreOfCheck(repository: Repository, check: FailedCheck, baseSha: string | undefined): Promise<FailedCheck>
  /** An issue or pull request as it is now. */
  findIssue(
    owner: string,
    name: string,
    number: number,
  ): Promise<{ repository: Repository; subject: Subject; isOpen: boolean } | undefined>
}

/** Somebody's account where something is said. */
export interface Called {
  readonly id: string
  readonly name: string
}

export interface SendContext {
  /** Hidden in what is posted, so that it can be found again. */
  readonly marker: string
  /** The newest state of the task, for what is made from it. */
  readonly task: Task | undefined
  /** What sending it before brought, for things that are edited in place. */
  readonly previous: EffectResult | undefined
  readonly now: number
  /** When it was first to be sent, ms since the epoch: what may be there of it is no older. */
  readonly since: number
  /** Who of those that are asked has an account in the place that is written to. */
  readonly called?: readonly Called[] | undefined
  /** To be called right before a request that changes something leaves. @throws when somebody else may be sending it by now */
  readonly mayLeave: () => void
}

/** What a channel owes the outbox. */
export interface Sender {
  /** What sending an effect takes of the provider's limits. */
  costOf(effect: EffectBody, previous: EffectResult | undefined): Cost
  /** Looks for what an earlier try with an unknown outcome may have left; only Muster's own counts. */
  lookUp(effect: EffectBody, context: SendContext): Promise<EffectResult | undefined>
  /** @throws SendError */
  send(effect: EffectBody, context: SendContext): Promise<EffectResult>
}

/** Why sending failed, as far as it matters to what happens next. */
export class SendError extends Error {
  /** `retry`: surely not done; `unknown`: it may have been done; `fatal`: it can never be done. */
  readonly kind: 'retry' | 'unknown' | 'fatal'
  readonly retryAfterMs: number | undefined
  /** What stands in the way of everything else there too: the place is gone, or Muster's token is not accepted. */
  readonly trouble: Trouble | undefined
  constructor(
    kind: SendError['kind'],
    message: string,
    options: { retryAfterMs?: number | undefined; trouble?: Trouble; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = 'SendError'
    this.kind = kind
    this.retryAfterMs = options.retryAfterMs
    this.trouble = options.trouble
  }
}
