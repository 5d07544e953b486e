import type { Deployed, ReleasePlan, ReleaseReport } from '../core/artefacts.ts'
import type { EnvironmentSettings } from '../core/settings.ts'
import type { Release, Task } from '../core/task/types.ts'
import type { Sample } from '../core/traffic.ts'

/** What SRE can do; gates and approvals are the core's, not this engine's. */
export interface Releases {
  plan(task: Task, release: Release): Promise<ReleasePlan>
  /** @param mayAct throws when somebody else may be at it by now */
  deploy(task: Task, release: Release, signal: AbortSignal, mayAct: () => void): Promise<Deployed>
  watch(task: Task, release: Release, signal: AbortSignal): Promise<ReleaseReport>
}

/** One environment of one repository. */
export interface Place {
  /** `owner/name` */
  readonly repository: string
  readonly environment: string
  readonly settings: EnvironmentSettings
}

export interface ApplyInput {
  readonly place: Place
  /** Names this deploy for ever: the same key is never applied twice. */
  readonly releaseId: string
  readonly taskId: string
  readonly sha: string
  /** Puts the files of the SHA into a folder. */
  unpack(dir: string): Promise<void>
  /** To be called right before people see the new release. @throws when somebody else may be at it by now */
  readonly mayAct: () => void
  readonly signal: AbortSignal
}

export type Observed =
  | { readonly state: 'absent' }
  /** Begun and not finished; nothing of it is visible yet. */
  | { readonly state: 'unfinished' }
  /** It may have been deployed or not, and the target cannot tell: a person has to look. */
  | { readonly state: 'unknown' }
  | { readonly state: 'live' }
  | { readonly state: 'failed'; readonly error: string }

/** What an adapter owes (deploy-semantics.md): it deploys and tells the truth; it decides nothing. */
export interface Target {
  readonly name: string
  url(place: Place): string
  /** The SHA that serves now. */
  current(place: Place): Promise<string | undefined>
  observe(releaseId: string): Promise<Observed>
  /** Deploys, or leaves everything as it was. @throws UserError with the reason when it failed */
  apply(input: ApplyInput): Promise<void>
  /** The last lines of a release's log. */
  log(releaseId: string): Promise<string>
  /** Whether the environment answers its health check, through the way that users take. */
  probe(place: Place): Promise<boolean>
}

/** A release as it is stored: a folder, and the process that serves it. */
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

/** Releases of this machine, and what was measured of them. */
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
