import type { Bisected } from '../bisect.ts'
import type { Elsewhere } from '../elsewhere.ts'
import type {
  Answered,
  Deployed,
  Design,
  Patch,
  Proof,
  ReleasePlan,
  ReleaseReport,
  RolledBack,
  Spec,
  Watch,
} from '../artefacts.ts'
import type { Baseline } from '../baseline.ts'
import type { ChildEnd, ChildRequest } from '../task/children.ts'
import type { Command } from '../command.ts'
import type { GateResult } from '../environments/gates.ts'
import type { Claimant, TurnTold } from '../environments/types.ts'
import type { EffectBody, EffectKind, EffectResult, Trouble } from '../effects.ts'
import { noteReply } from '../reply/answers.ts'
import type { Document } from '../reply/document.ts'
import type { Surface } from '../said.ts'
import type { Standing } from '../standing.ts'
import type { FailedCheck, JudgedCheck } from '../ci/types.ts'
import type { Reviewed } from '../review/findings.ts'
import type { Survey } from '../survey.ts'
import type { RepositorySettings } from '../settings.ts'
import type { Doing, Parked, Person, ReviewComment, StepError, TaskEvent, Whence } from '../task/types.ts'

/** What became of something that came in. */
export interface Decision {
  readonly outcome: 'accepted' | 'ignored' | 'duplicate' | 'refused' | 'deferred'
  readonly reason: string
  readonly detail: string
}

/** Something a person said to a task. Times in ms; `writtenAt` is the platform's, `receivedAt` ours. */
export interface PersonCommand {
  readonly type: 'person'
  readonly command: Command
  readonly by: Person
  readonly canWrite: boolean
  readonly receivedAt: number
  readonly writtenAt: number
  /** The id of the comment, where the words came as one. */
  readonly commentId: number | undefined
  /** Where it was said. */
  readonly from?: Whence | undefined
  /** In the thread of a pull request: new work begins elsewhere. */
  readonly isOnPull?: boolean | undefined
  /** What its author is in the repository, where more than write permission counts. */
  readonly standing?: Standing | undefined
  /** When it is decided, ms since the epoch; set by whoever decides. */
  readonly decidedAt?: number | undefined
  /** Whether the ref that it names is there; undefined where it names none. */
  readonly isKnownRef?: boolean | undefined
  /** The repository's settings as they are now, where the command depends on them. */
  readonly settings?: RepositorySettings | undefined
}

export type TaskCommand =
  | PersonCommand
  | GithubCommand
  | SurfaceCommand
  | ChildCommand
  /** What an environment says. */
  | ({ readonly type: 'turn.told'; readonly turn: TurnTold } & Claimant)
  /** Whether the plug-ins that it needs are there. */
  | { readonly type: 'plugins.look' }
  | { readonly type: 'step.start'; readonly step: string }
  /** A step has spent what was kept for it. */
  | { readonly type: 'step.fund'; readonly step: string; readonly attempt: number }
  | { readonly type: 'step.result'; readonly step: string; readonly attempt: number; readonly result: StepResult }
  | {
      readonly type: 'step.error'
      readonly step: string
      readonly attempt: number
      readonly error: StepError
      readonly patch?: Patch | undefined
    }
  | {
      readonly type: 'step.park'
      readonly step: string
      readonly attempt: number
      readonly why: Parked['why']
      readonly until: number
    }
  | {
      readonly type: 'step.doing'
      readonly step: string
      readonly attempt: number
      readonly doing: Doing | undefined
      readonly since: number
    }
  | { readonly type: 'turn'; readonly step: string; readonly costUsd: number }
  | { readonly type: 'budget'; readonly step: string; readonly attempt: number; readonly patch: Patch | undefined }
  | {
      readonly type: 'effect.done'
      readonly key: string
      readonly kind: EffectKind
      readonly result: EffectResult
      readonly body: EffectBody
    }
  | {
      readonly type: 'effect.failed'
      readonly key: string
      readonly kind: EffectKind
      readonly error: string
      readonly body: EffectBody
      readonly trouble?: Trouble | undefined
    }

/** What a handler decided: what happened, what became of the input, and what to answer. */
export interface Decided {
  readonly events: readonly TaskEvent[]
  readonly decision: Decision
  readonly reply?: Document | undefined
}

/** Between a task and those that it waits for. */
export type ChildCommand =
  | { readonly type: 'child.seen'; readonly step: string; readonly child: string; readonly url: string }
  | { readonly type: 'child.ended'; readonly step: string; readonly child: string; readonly end: ChildEnd }
  | { readonly type: 'parent.ended'; readonly by: Person }

/** Where the conversation is held. */
export type SurfaceCommand =
  | { readonly type: 'surface.link'; readonly surface: Surface; readonly by: Person }
  /** @property by nobody, where it went by itself */
  | { readonly type: 'surface.unlink'; readonly surface: Surface; readonly by: Person | undefined }
  /** Something arrived there. */
  | { readonly type: 'surface.reached'; readonly surface: Surface }
  /** A task without an issue of its own gets one that is there already. */
  | { readonly type: 'issue.link'; readonly number: number; readonly url: string; readonly by: Person }

/** What happens to the pull request on the platform. */
export type GithubCommand =
  | {
      readonly type: 'review'
      readonly by: Person
      readonly comments: readonly ReviewComment[]
      readonly state: 'approved' | 'changes_requested' | 'commented'
    }
  | { readonly type: 'quiet.over' }
  | { readonly type: 'reprove' }
  | { readonly type: 'merged'; readonly by: Person; readonly sha: string }
  | { readonly type: 'closed'; readonly by: Person }
  /** The issue of the task. @property mayEnd whether whoever closed it may write to the repository */
  | { readonly type: 'issue.closed'; readonly by: Person; readonly mayEnd: boolean }
  | { readonly type: 'pushed'; readonly headSha: string }
  | ({ readonly type: 'check.failed' } & FailedCheck)
  | { readonly type: 'check.passed'; readonly name: string; readonly headSha: string }

/** What a finished step hands over. */
export type StepResult =
  | { readonly kind: 'baseline'; readonly baseline: Baseline }
  | { readonly kind: 'spec'; readonly spec: Spec }
  /** Both in one go; what is too large for that has no design yet. */
  | {
      readonly kind: 'plan'
      readonly spec: Spec
      readonly design: Design | undefined
      readonly elsewhere?: readonly Elsewhere[] | undefined
    }
  | { readonly kind: 'answer'; readonly answer: Answered }
  | { readonly kind: 'survey'; readonly survey: Survey; readonly patch: Patch }
  /** What was found in somebody's pull request. */
  | { readonly kind: 'review'; readonly reviewed: Reviewed }
  /** Of a step of a plug-in's. */
  | { readonly kind: 'artefact'; readonly artefact: unknown }
  /** Other tasks that it waits for: how they ended is its artefact. */
  | { readonly kind: 'children'; readonly children: readonly ChildRequest[] }
  | { readonly kind: 'design'; readonly design: Design; readonly elsewhere?: readonly Elsewhere[] | undefined }
  | { readonly kind: 'patch'; readonly patch: Patch }
  | { readonly kind: 'proof'; readonly proof: Proof }
  | { readonly kind: 'triage'; readonly judged: readonly JudgedCheck[] }
  | {
      readonly kind: 'release_plan'
      readonly plan: ReleasePlan
      /** What it rests on, where it was read anew. */
      readonly settings?: RepositorySettings | undefined
    }
  /** Nothing is left to be tried of a row that looks for a commit. */
  | { readonly kind: 'bisected'; readonly bisected: Bisected; readonly settings?: RepositorySettings | undefined }
  | { readonly kind: 'deployed'; readonly deployed: Deployed }
  /** Gates hold it up that may open by themselves: it is tried again then, ms since the epoch. */
  | { readonly kind: 'gated'; readonly gates: readonly GateResult[]; readonly until: number }
  /** One look of a watch that goes on. */
  | { readonly kind: 'looked'; readonly watch: Watch; readonly until: number }
  | { readonly kind: 'report'; readonly report: ReleaseReport; readonly watch?: Watch | undefined }
  | { readonly kind: 'rolled_back'; readonly rolledBack: RolledBack }

export function accepted(reason: string, events: readonly TaskEvent[], detail = '', reply?: Document): Decided {
  return { events, decision: { outcome: 'accepted', reason, detail }, reply }
}

export function ignored(reason: string, detail = ''): Decided {
  return { events: [], decision: { outcome: 'ignored', reason, detail } }
}

/** Nothing is done, and whoever asked is told why. */
export function refused(reason: string, detail: string, reply?: Document): Decided {
  return { events: [], decision: { outcome: 'refused', reason, detail }, reply: reply ?? noteReply(detail) }
}
