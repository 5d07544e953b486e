import type { Document } from './reply/document.ts'
import type { FreezeWindow } from './environments/freeze.ts'
import type { Claimant, TurnTold, Wanted } from './environments/types.ts'
import type { Surface } from './said.ts'
import type { RepositorySettings } from './settings.ts'
import type { Child, ChildEnd } from './task/children.ts'
import type { Origin, Person, Repository } from './task/types.ts'

/** Where on GitHub something is said: the thread of an issue or pull request. */
export interface Thread {
  readonly repository: Repository
  readonly number: number
}

/** What a reaction or an answer attaches to. */
export type ReactsTo =
  | { readonly on: 'issue'; readonly number: number }
  | { readonly on: 'comment'; readonly id: number }

/**
 * Something to be seen outside exactly once. `key` is unique within the task (or the conversation, where there is no
 * task). Effects named `upsert` are made from the newest state when sent, so that several changes become one edit.
 */
export type EffectBody =
  | InsideBody
  | { readonly kind: 'status.upsert'; readonly place: Thread }
  | { readonly kind: 'pr.body.upsert'; readonly place: Thread }
  | { readonly kind: 'check.upsert'; readonly place: Thread; readonly headSha: string }
  | {
      readonly kind: 'reaction'
      readonly place: Thread
      readonly target: ReactsTo
      readonly content: 'eyes'
    }
  | { readonly kind: 'comment'; readonly place: Thread; readonly document: Document }
  /** A comment that is changed when what it asks for is decided; it stays where it stands. */
  | { readonly kind: 'comment.upsert'; readonly place: Thread; readonly document: Document }
  /** One review of somebody's pull request; each remark stands at its lines. */
  | {
      readonly kind: 'review.post'
      readonly place: Thread
      readonly headSha: string
      readonly document: Document
      readonly remarks: readonly Remark[]
    }
  | { readonly kind: 'review.reply'; readonly place: Thread; readonly rootId: number; readonly document: Document }
  | { readonly kind: 'review.request'; readonly place: Thread; readonly reviewers: readonly string[] }
  /** A job of the team's own CI, once more. */
  | { readonly kind: 'check.rerun'; readonly place: Thread; readonly job: number }
  | {
      readonly kind: 'git.push'
      readonly place: Thread
      readonly branch: string
      readonly parentSha: string
      readonly diff: string
      readonly message: string
      readonly at: number
      readonly step: string
      readonly wip: boolean
    }
  | {
      readonly kind: 'pr.open'
      readonly place: Thread
      readonly branch: string
      readonly base: string
      readonly title: string
      /** False where nothing is proved first. */
      readonly draft?: false | undefined
    }
  | { readonly kind: 'label.create'; readonly place: Thread; readonly name: string }
  | { readonly kind: 'issue.open'; readonly place: Thread; readonly title: string; readonly document: Document }
  | SurfaceBody
  | {
      readonly kind: 'pr.ready'
      readonly place: Thread
      readonly nodeId: string
      readonly reviewers: readonly string[]
    }
  | {
      readonly kind: 'deployment.create'
      readonly place: Thread
      readonly release: number
      readonly sha: string
      readonly environment: string
      readonly planHash: string
    }
  | {
      readonly kind: 'deployment.status'
      readonly place: Thread
      readonly deploymentId: number
      readonly state: 'queued' | 'in_progress' | 'success' | 'failure' | 'inactive'
      readonly description: string
      readonly environmentUrl: string | undefined
      readonly releaseId: string | undefined
    }
  /** Whatever waits to deploy that commit there may not. */
  | {
      readonly kind: 'deployment.refuse'
      readonly place: Thread
      readonly sha: string
      readonly environment: string
      readonly description: string
    }

/** Words at lines of a pull request's new side, counted from 1. */
export interface Remark {
  readonly path: string
  readonly from: number
  readonly to: number
  readonly document: Document
}

/** What is seen in another channel. `place` still says whose work it is. */
export type SurfaceBody =
  /** The status card, made from the newest state. */
  | { readonly kind: 'card.upsert'; readonly place: Thread; readonly surface: Surface }
  | {
      readonly kind: 'message'
      readonly place: Thread
      readonly surface: Surface
      readonly document: Document
      readonly buttons: readonly Button[]
      /** Who is asked: whoever of them has an account there is called. */
      readonly calls?: readonly Person[] | undefined
      /** Where the whole of it can be read: what is folded is left out where nothing can be folded. */
      readonly whole?: string | undefined
    }
  /** A message that is changed when what it asks for is decided; it stays where it stands. */
  | {
      readonly kind: 'message.upsert'
      readonly place: Thread
      readonly surface: Surface
      readonly document: Document
      readonly buttons: readonly Button[]
      readonly whole?: string | undefined
    }
  /** A picture with words above it, where a channel can show one. */
  | {
      readonly kind: 'chart'
      readonly place: Thread
      readonly surface: Surface
      readonly title: string
      /** Undefined in what versions before 0.4 wrote. */
      readonly document?: Document | undefined
      readonly series: readonly { readonly second: number; readonly requests: number; readonly errors: number }[]
    }
  /** A form to fill in, for whoever asked for it. */
  | {
      readonly kind: 'form'
      readonly place: Thread
      readonly surface: Surface
      readonly trigger: string
      readonly form: Form
    }
  /** What Muster shows one person about their work. */
  | {
      readonly kind: 'home'
      readonly place: Thread
      readonly surface: Surface
      readonly member: string
      readonly document: Document
    }
  /** What an address of Muster's own is about, below the message that shares it. */
  | {
      readonly kind: 'unfurl'
      readonly place: Thread
      readonly surface: Surface
      readonly messageId: string
      readonly shown: readonly { readonly url: string; readonly document: Document }[]
    }
  /** For one person's eyes, where a channel has such messages. */
  | {
      readonly kind: 'whisper'
      readonly place: Thread
      readonly surface: Surface
      readonly member: string
      /** For channels where such a message calls whom it is for. */
      readonly name: string
      readonly document: Document
    }
  /** A sign on what was heard: 👀, or at once what became of it. */
  | {
      readonly kind: 'seen'
      readonly place: Thread
      readonly surface: Surface
      readonly messageId: string
      readonly mark?: Mark | undefined
    }
  /** The sign on the request of a task, made from the newest state: 👀 becomes ✅ or ⚠️. */
  | { readonly kind: 'mark.upsert'; readonly place: Thread; readonly surface: Surface; readonly messageId: string }
  /** Moves a ticket to where the work stands. */
  | { readonly kind: 'ticket.move'; readonly place: Thread; readonly surface: Surface; readonly to: TicketState }
  /** The parts of a large ticket as sub-tasks of its own. */
  | {
      readonly kind: 'ticket.split'
      readonly place: Thread
      readonly surface: Surface
      readonly parts: readonly string[]
    }
  /** Shows on a ticket what belongs to it elsewhere. */
  | {
      readonly kind: 'ticket.link'
      readonly place: Thread
      readonly surface: Surface
      readonly what: 'pull_request' | 'deployment'
      readonly url: string
      readonly title: string
      readonly done: boolean
    }

/** At work; done; not done, or something is asked. */
export type Mark = 'eyes' | 'done' | 'warning'

/** A form to fill in. */
export type Form =
  | { readonly name: 'answer'; readonly questions: readonly string[] }
  | { readonly name: 'repository'; readonly choices: readonly string[]; readonly event: string }

/** The three kinds of states that every workflow of tickets has, whatever a team calls them. */
export type TicketState = 'todo' | 'progress' | 'done'

/** Why a surface cannot be written to. */
export type Trouble = 'gone' | 'token'

/** A decision that can be made by pressing a button, where a channel has buttons; everywhere else by the command. */
export interface Button {
  readonly label: string
  readonly action: 'approve' | 'reject' | 'cancel' | 'continue' | 'retry' | 'answer' | 'repository' | 'choose'
  /** What the decision binds to (a hash, a sum), given back as it is. */
  readonly value: string
  readonly style: 'primary' | 'danger' | 'plain'
}

export type EffectKind = EffectBody['kind']
/** What a task and another task, or an environment, do to each other: nobody outside sees it. */
export type InsideBody =
  | {
      readonly kind: 'task.open'
      readonly place: Thread
      /** The one that waits for it; undefined: nobody does. */
      readonly parent?: Origin['parent']
      /** What was taken back and is to be mended. */
      readonly mends?: Origin['mends']
      readonly child: Child
      readonly origin: Pick<Origin, 'repository' | 'author' | 'requester' | 'url'>
      readonly settings: RepositorySettings
      readonly forcePlanGate: boolean
    }
  | {
      readonly kind: 'task.report'
      readonly place: Thread
      readonly parent: NonNullable<Origin['parent']>
      readonly child: string
      readonly report: { readonly url: string } | { readonly end: ChildEnd }
    }
  | { readonly kind: 'task.end'; readonly place: Thread; readonly task: string; readonly by: Person }
  /** What a release wants of its environment, as it stands now. */
  | {
      readonly kind: 'environment.turn'
      readonly place: Thread
      readonly environment: string
      readonly wanted: Wanted
      readonly freeze: readonly FreezeWindow[]
    }
  /** What an environment says to that. */
  | ({ readonly kind: 'task.turn'; readonly place: Thread; readonly turn: TurnTold } & Claimant)

/** What GitHub is sent. */
export type GithubBody = Exclude<EffectBody, SurfaceBody | InsideBody>
export interface EffectIntent {
  readonly key: string
  readonly body: EffectBody
}

/** What sending an effect brought to light; the workflow goes on from it. */
export interface EffectResult {
  readonly id?: number | undefined
  readonly nodeId?: string | undefined
  readonly url?: string | undefined
  readonly number?: number | undefined
  readonly sha?: string | undefined
  /** What a message or comment is called in another channel. */
  readonly ref?: string | undefined
  /** What the parts of a message are called there, in order; undefined where there are none, or an older version wrote it. */
  readonly parts?: readonly string[] | undefined
}

/** What is seen in another channel. */
export type SurfaceKind = SurfaceBody['kind']
/** What GitHub is sent, by kind. */
export type GithubKind = GithubBody['kind']
