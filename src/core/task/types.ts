import type { Elsewhere } from '../elsewhere.ts'
import type {
  Answered,
  Deployed,
  Design,
  Patch,
  Proof,
  ReleasePlan,
  ReleaseReport,
  ReviewAnswer,
  RolledBack,
  Spec,
  Watch,
} from '../artefacts.ts'
import type { Baseline } from '../baseline.ts'
import type { Bisect, Bisected } from '../bisect.ts'
import type { Awaits } from '../command.ts'
import type { GateResult } from '../environments/gates.ts'
import type { TurnComing } from '../environments/types.ts'
import type { PluginId } from '../registry.ts'
import type { Role } from '../roles.ts'
import type { Surface } from '../said.ts'
import type { FailedCheck, JudgedCheck } from '../ci/types.ts'
import type { Reviewed } from '../review/findings.ts'
import type { Survey } from '../survey.ts'
import type { RepositorySettings } from '../settings.ts'
import type { Child, ChildEnd } from './children.ts'
import type { Approval, Certificate, Person, Settled, Whence } from './decided.ts'
import type { Gate, GateOpened } from './gate.ts'
import type { Origin } from './origin.ts'
import type { Awaiting, Release } from './release.ts'
import type { LedgerEntry, ReviewComment } from './reviewed.ts'
import type { Doing, Parked, StepError } from './step.ts'

export type { Gate, GateOpened } from './gate.ts'
export type { HeardBefore, Origin, Repository } from './origin.ts'
export type { Awaiting, Release, ReleaseTurn } from './release.ts'
export type { LedgerEntry, ReviewComment } from './reviewed.ts'
export type { Doing, Parked, StepError } from './step.ts'
export type { Approval, Certificate, Person, Settled, SettledAs, Whence } from './decided.ts'

export type CoreWorkflow = 'change' | 'question' | 'deploy' | 'review' | 'onboarding'
export type WorkflowName = CoreWorkflow | PluginId
export type CoreStep =
  | 'baseline'
  | 'spec'
  | 'plan'
  | 'answer'
  | 'design'
  | 'build'
  | 'part'
  | 'join'
  | 'rework'
  | 'prove'
  | 'release_plan'
  | 'deploy'
  | 'watch'
  | 'rollback'
  | 'review'
  | 'triage'
  | 'survey'
  | 'critique'
export type StepKind = CoreStep | PluginId
export type StepStatus = 'pending' | 'running' | 'done' | 'failed' | 'cancelled'

/** Why SD works again on an open pull request. */
export type ReworkReason =
  | { readonly why: 'proof'; readonly proof: Proof }
  | { readonly why: 'review'; readonly comments: readonly ReviewComment[] }
  | { readonly why: 'check'; readonly name: string; readonly headSha: string; readonly text: string }
  /** What somebody found who was not there when it was made. */
  | { readonly why: 'critique'; readonly headSha: string; readonly text: string }

export interface Step {
  readonly id: string
  readonly kind: StepKind
  readonly role: Role
  readonly needs: readonly string[]
  readonly status: StepStatus
  readonly attempt: number
  readonly startedAt: number | undefined
  readonly endedAt: number | undefined
  readonly costUsd: number
  /** What it may cost until it asks for more: kept for it while it runs. Undefined in histories from before 0.5. */
  readonly capUsd?: number | undefined
  readonly turns: number
  readonly error: StepError | undefined
  /** Why it waits with what it has, and until when it is tried again; undefined in histories from before 0.2. */
  readonly parked?: Parked | undefined
  /** What it has been doing for long without a word; undefined while there is nothing to tell. */
  readonly doing?: (Doing & { readonly since: number }) | undefined
  readonly rework: ReworkReason | undefined
  /** Number of the release this step belongs to, counted from 1. */
  readonly release: number | undefined
  /** The tasks that it waits for; undefined: it waits for none. */
  readonly children?: readonly Child[] | undefined
  /** What of several it is about: a slice, a host, an environment. Undefined where there is one of its kind. */
  readonly item?: string | undefined
}

export interface PullRequest {
  readonly number: number
  readonly nodeId: string
  readonly url: string
  readonly draft: boolean
}

export type TaskStatus = 'working' | 'waiting' | 'done' | 'cancelled' | 'handed_off'

/** How often each step may be handed back, tried and paid for. */
export const LIMITS = { proofRounds: 2, checkRounds: 2, planRounds: 5, reviewRounds: 10 } as const

/** The state of a task: the fold of its events. Times are ms since the epoch. */
export interface Task {
  readonly id: string
  readonly conversationId: string
  readonly version: number
  readonly status: TaskStatus
  readonly workflow: WorkflowName
  readonly origin: Origin
  readonly settings: RepositorySettings
  readonly openedAt: number
  readonly finishedAt: number | undefined
  readonly budgetUsd: number
  readonly steps: readonly Step[]
  /** What people added to the request, newest last. */
  readonly notes: readonly { readonly by: Person; readonly text: string; readonly at: number }[]
  /** What the tests said before anything was changed, and who decided to go on where they cannot be run; undefined before that is known, and in histories from before 0.4. */
  readonly baseline?: (Baseline & { readonly accepted?: Person | undefined }) | undefined
  readonly spec: Spec | undefined
  readonly answer: Answered | undefined
  readonly design: Design | undefined
  /** Work of others that the design may get in the way of, as it was when it was written. Undefined in histories from before 0.5. */
  readonly elsewhere?: readonly Elsewhere[] | undefined
  /** A first look at the repository; undefined where nobody took one. */
  readonly survey?: Survey | undefined
  /** What looks at somebody's pull request have brought, the newest last; undefined before the first. */
  readonly reviews?: readonly Reviewed[] | undefined
  readonly planHash: string | undefined
  readonly forcePlanGate: boolean
  /** What waits for people, the oldest first. */
  readonly gates: readonly Gate[]
  readonly approvals: readonly Approval[]
  /** What people decided last, for whoever comes too late; undefined before that, and in histories from before 0.4. */
  readonly settled?: Settled | undefined
  readonly branch: string | undefined
  readonly baseSha: string | undefined
  readonly headSha: string | undefined
  /** Patches without their diffs, which stand in the events. */
  readonly patches: readonly Omit<Patch, 'diff'>[]
  readonly pullRequest: PullRequest | undefined
  /** Unfinished work that was kept when the budget ended a step. */
  readonly wip: { readonly branch: string; readonly sha: string; readonly step: string } | undefined
  /** The step whose patch is made and not pushed yet. */
  readonly unpushed: string | undefined
  /** Failed checks of other apps, as they were told. */
  readonly failedChecks: readonly FailedCheck[]
  /** What those of them were that were looked into, the newest last; undefined before the first. */
  readonly judgedChecks?: readonly JudgedCheck[] | undefined
  /** An effect that the work depends on and that could not be sent. */
  readonly lost: LostKind | undefined
  readonly proofs: readonly Proof[]
  readonly review: {
    readonly pending: readonly ReviewComment[]
    readonly dueAt: number | undefined
    readonly ledger: readonly LedgerEntry[]
    readonly reviewers: readonly Person[]
  }
  readonly merged: { readonly sha: string; readonly by: Person; readonly at: number } | undefined
  /** Releases that follow when the one under way is over; undefined where none do. */
  readonly awaiting?: readonly Awaiting[] | undefined
  readonly releases: readonly Release[]
  readonly outcome: string | undefined
  /** Where else the conversation is held; undefined in histories from before 0.3. */
  readonly surfaces?: readonly Surface[] | undefined
  /** The plug-in without which it cannot go on; undefined while there is none. */
  readonly missing?: string | undefined
  /** What the steps of plug-ins have made, by their ids; undefined while there is none. */
  readonly artefacts?: Readonly<Record<string, unknown>> | undefined
  /** How often the budget was reached, and whether that still waits for somebody; undefined before the first time. */
  readonly budgetGate?: { readonly nth: number; readonly open: boolean } | undefined
  /** The keys of surfaces that could not be written to when it was last tried, and were told of elsewhere. */
  readonly troubled?: readonly string[] | undefined
  /** When surfaces could be written to again, ms since the epoch, by their keys. */
  readonly mended?: Readonly<Record<string, number>> | undefined
}

/** Effects that the work goes on from. */
export type LostKind = 'pr.open' | 'pr.ready' | 'issue.open'

/** What happened. The union is the whole history format; each is stored as (type, data, at). */
export type TaskEvent =
  | {
      readonly type: 'task.opened'
      readonly id: string
      readonly conversationId: string
      readonly workflow: WorkflowName
      readonly origin: Origin
      readonly settings: RepositorySettings
      readonly forcePlanGate: boolean
      /** What was said of this pull request before, by whatever task. */
      readonly reviews?: readonly Reviewed[] | undefined
      /** Other places that the request itself names. */
      readonly linked?: readonly Surface[] | undefined
    }
  | { readonly type: 'settings.read'; readonly settings: RepositorySettings }
  | { readonly type: 'note.added'; readonly by: Person; readonly text: string }
  | { readonly type: 'step.added'; readonly step: NewStep }
  | {
      readonly type: 'step.started'
      readonly step: string
      readonly attempt: number
      readonly capUsd?: number | undefined
    }
  /** More of the budget is kept for it. */
  | { readonly type: 'step.funded'; readonly step: string; readonly capUsd: number }
  | { readonly type: 'step.finished'; readonly step: string }
  | {
      readonly type: 'step.failed'
      readonly step: string
      readonly error: StepError
      /** What was made by then; kept on a branch of its own. */
      readonly patch?: Patch | undefined
    }
  | { readonly type: 'turn.taken'; readonly step: string; readonly costUsd: number }
  | { readonly type: 'step.reset'; readonly step: string; readonly by: Person | 'workflow' }
  | { readonly type: 'step.parked'; readonly step: string; readonly why: Parked['why']; readonly until: number }
  | { readonly type: 'step.unparked'; readonly step: string }
  /** What it is doing, and since when; undefined: that is over. */
  | { readonly type: 'step.doing'; readonly step: string; readonly doing: Doing | undefined; readonly since: number }
  | { readonly type: 'baseline.made'; readonly baseline: Baseline }
  /** The tests cannot be run: somebody goes on without them, or has them run again. */
  | {
      readonly type: 'baseline.settled'
      readonly how: 'accepted' | 'again'
      readonly by: Person
      readonly from?: Whence | undefined
    }
  | { readonly type: 'spec.written'; readonly spec: Spec }
  | { readonly type: 'answer.written'; readonly answer: Answered }
  | { readonly type: 'repository.surveyed'; readonly survey: Survey }
  | { readonly type: 'pull.reviewed'; readonly step: string; readonly reviewed: Reviewed }
  /** Tasks of their own that a step waits for. */
  | { readonly type: 'child.wanted'; readonly step: string; readonly children: readonly Child[] }
  /** It has an issue by now. */
  | { readonly type: 'child.seen'; readonly step: string; readonly child: string; readonly url: string }
  | { readonly type: 'child.ended'; readonly step: string; readonly child: string; readonly end: ChildEnd }
  /** A plug-in that the work needs is not there; it goes on once it is. */
  | { readonly type: 'plugin.missed'; readonly plugin: string }
  | { readonly type: 'plugin.found'; readonly plugin: string }
  /** What a step of a plug-in's has made. */
  | { readonly type: 'artefact.made'; readonly step: string; readonly artefact: unknown }
  | {
      readonly type: 'design.written'
      readonly design: Design
      readonly planHash: string
      /** Undefined in histories from before 0.5. */
      readonly elsewhere?: readonly Elsewhere[] | undefined
    }
  | {
      readonly type: 'gate.opened'
      readonly gate: GateOpened
      /** Beside those that are open; before 0.5 it took their place. */
      readonly beside?: true | undefined
    }
  | {
      readonly type: 'gate.approved'
      readonly gate: 'plan' | 'deploy'
      readonly hash: string
      readonly sha: string | undefined
      readonly by: Person | 'settings'
      readonly from?: Whence | undefined
      readonly certificate?: Certificate | undefined
    }
  | {
      readonly type: 'gate.rejected'
      readonly gate: 'plan' | 'deploy'
      readonly by: Person
      readonly reason: string
      readonly from?: Whence | undefined
    }
  | {
      readonly type: 'gate.answered'
      readonly by: Person
      readonly text: string
      /** Somebody without write permission, who was asked: a person looks at the plan that comes of it. */
      readonly isByReader?: boolean | undefined
      readonly from?: Whence | undefined
    }
  | { readonly type: 'patch.made'; readonly step: string; readonly patch: Patch }
  /** A part of the change; it is pushed with the others. */
  | { readonly type: 'part.made'; readonly step: string; readonly patch: Patch }
  | { readonly type: 'branch.pushed'; readonly branch: string; readonly headSha: string; readonly step: string }
  | { readonly type: 'wip.pushed'; readonly branch: string; readonly sha: string; readonly step: string }
  | { readonly type: 'check.failed'; readonly check: FailedCheck }
  /** It was run once more, by whomever, and is green. */
  | { readonly type: 'check.passed'; readonly name: string; readonly headSha: string }
  | { readonly type: 'checks.judged'; readonly step: string; readonly judged: readonly JudgedCheck[] }
  | { readonly type: 'effect.lost'; readonly kind: LostKind }
  | { readonly type: 'effect.again'; readonly kind: LostKind }
  | { readonly type: 'issue.opened'; readonly number: number; readonly url: string }
  | { readonly type: 'surface.linked'; readonly surface: Surface; readonly by: Person }
  | {
      readonly type: 'surface.unlinked'
      readonly surface: Surface
      /** `gone`: deleted, or closed to Muster. */
      readonly why: 'asked' | 'gone'
    }
  /** Muster's token is not accepted there: the place stays, and hears again once the operator has mended it. */
  | { readonly type: 'surface.troubled'; readonly surface: Surface; readonly error: string }
  /** Something arrived there again. */
  | { readonly type: 'surface.mended'; readonly surface: Surface }
  | { readonly type: 'pr.opened'; readonly pullRequest: PullRequest }
  | { readonly type: 'pr.ready' }
  | { readonly type: 'proof.made'; readonly proof: Proof }
  | {
      readonly type: 'review.received'
      readonly comments: readonly ReviewComment[]
      readonly by: Person
      readonly dueAt: number
    }
  | { readonly type: 'review.taken'; readonly ids: readonly number[] }
  | { readonly type: 'review.answered'; readonly answers: readonly ReviewAnswer[]; readonly sha: string | undefined }
  | { readonly type: 'pr.merged'; readonly sha: string; readonly by: Person }
  | {
      readonly type: 'release.requested'
      readonly environment: string
      readonly ref: string | undefined
      readonly by: Person
      /** By the settings, once it was merged. */
      readonly isAuto?: true | undefined
      readonly goesBack?: true | undefined
      readonly bisect?: Bisect | undefined
      readonly awaits?: Awaits | undefined
    }
  /** Asked for while another one is under way: it follows. */
  | ({ readonly type: 'release.awaited' } & Awaiting)
  | { readonly type: 'release.bisected'; readonly release: number; readonly bisected: Bisected }
  | { readonly type: 'release.planned'; readonly release: number; readonly plan: ReleasePlan }
  | { readonly type: 'deployment.created'; readonly release: number; readonly deploymentId: number }
  /** It asks for its turn on the environment. */
  | { readonly type: 'release.entered'; readonly release: number; readonly nth: number }
  | { readonly type: 'release.turn'; readonly release: number; readonly nth: number; readonly turn: TurnComing }
  /** The gates let it through later, maybe. */
  | { readonly type: 'release.gated'; readonly release: number; readonly gates: readonly GateResult[] }
  | { readonly type: 'release.deployed'; readonly release: number; readonly deployed: Deployed }
  | { readonly type: 'release.looked'; readonly release: number; readonly watch: Watch }
  | { readonly type: 'release.watched'; readonly release: number; readonly report: ReleaseReport }
  /** Somebody wants it taken back, whatever the watch would say. */
  | { readonly type: 'release.recalled'; readonly release: number; readonly by: Person }
  | { readonly type: 'release.rolled_back'; readonly release: number; readonly rolledBack: RolledBack }
  | { readonly type: 'budget.reached'; readonly step: string; readonly patch: Patch | undefined }
  | {
      readonly type: 'budget.extended'
      readonly usd: number
      readonly by: Person
      readonly from?: Whence | undefined
    }
  | {
      readonly type: 'task.cancelled'
      readonly by: Person
      readonly from?: Whence | undefined
      /** Not by a command, but by closing the issue. */
      readonly byClosing?: boolean | undefined
    }
  | { readonly type: 'task.handed_off'; readonly reason: string }
  | {
      readonly type: 'task.finished'
      readonly outcome: string
      /** Who ended it, where somebody did. */
      readonly by?: Person | undefined
      readonly from?: Whence | undefined
    }

export type NewStep = Pick<Step, 'id' | 'kind' | 'role' | 'needs' | 'rework' | 'release' | 'item'>
