import type { Deployed, ReleasePlan, ReleaseReport, RolledBack, Watch } from '../core/artefacts.ts'
import type { Bisected } from '../core/bisect.ts'
import type { ChainEnd } from '../core/chain.ts'
import type { Awaits } from '../core/command.ts'
import type { Env } from '../core/environment.ts'
import type { EnvironmentOutcome } from '../core/environments/decide.ts'
import type { EnvironmentState } from '../core/environments/types.ts'
import type { Recorded } from '../core/environments/verify.ts'
import type { EnvironmentSettings, RepositorySettings, TargetName } from '../core/settings.ts'
import type { CheckFact, GateResult, Metrics } from '../core/environments/gates.ts'
import type { Standing } from '../core/standing.ts'
import type { Person, Release, Repository, Task } from '../core/task/types.ts'
import type { Sample } from '../core/traffic.ts'
import type { Claim, Fence } from '../leases/types.ts'
import type { Git, Sandbox } from '../workspace/types.ts'

/** What SRE can do; gates and approvals are the core's, not this engine's. */
export interface Releases {
  /** @returns the plan, with the settings that it rests on */
  plan(task: Task, release: Release): Promise<Planned>
  /** @param mayAct throws when somebody else may be at it by now */
  deploy(task: Task, release: Release, signal: AbortSignal, mayAct: () => void): Promise<DeployResult>
  /** @param mayAct as above: a look may change how many requests a release is given */
  watch(task: Task, release: Release, signal: AbortSignal, mayAct: () => void): Promise<WatchResult>
  /** Takes back what got worse. */
  takeBack(task: Task, release: Release, signal: AbortSignal, mayAct: () => void): Promise<RolledBack>
}

/** A plan, and the repository's settings as they were when it was made. */
export type Planned = { readonly settings: RepositorySettings } & (
  | { readonly plan: ReleasePlan }
  /** Nothing is left to be tried of a row that looks for a commit. */
  | { readonly bisected: Bisected }
)

/** Deployed or not; or gates hold it up that may open by themselves. Times in ms since the epoch. */
export type DeployResult =
  | { readonly kind: 'deployed'; readonly deployed: Deployed }
  | { readonly kind: 'gated'; readonly gates: readonly GateResult[]; readonly until: number }

/** One look, and when the next one is due; or the end. */
export type WatchResult =
  | { readonly kind: 'looked'; readonly watch: Watch; readonly until: number }
  | { readonly kind: 'report'; readonly report: ReleaseReport; readonly watch: Watch }

/** What is asked of the platform about a deploy, live. */
export interface ReleaseFacts {
  /** What somebody is in a repository. @param teams that are asked about, `org/team` in small letters */
  standing(repository: Repository, person: Person, teams: readonly string[]): Promise<Standing>
  /** The newest run of every check on a commit. @throws where they cannot be read */
  checks(repository: Repository, sha: string): Promise<readonly CheckFact[]>
}

export interface ReleaseDeps {
  readonly git: Git
  /** The versions of languages that the tests of a commit are run with, for commands of its on this machine. */
  readonly tools: (task: Task, sha: string, commands: readonly string[]) => Promise<Tools>
  readonly targets: Targets
  readonly facts: ReleaseFacts
  /** A repository's settings as they are now, under the operator's limits. @throws UserError where they cannot be read */
  readonly settings: (repository: Repository) => Promise<RepositorySettings>
  readonly environments: Pick<EnvironmentStore, 'load'>
  /** What Prometheus has counted of an environment in a span of time, ms since the epoch. @throws UserError where it cannot be read */
  readonly metrics: (
    environment: Environment,
    metrics: Metrics,
    span: { readonly from: number; readonly to: number; readonly since?: number | undefined },
  ) => Promise<readonly Sample[]>
  /** Takes a lease; undefined while somebody else has it. */
  readonly hold: (name: string) => Promise<Claim | undefined>
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
  readonly log: (message: string, fields: Readonly<Record<string, unknown>>) => void
}

/** One environment of one repository. */
export interface Environment {
  /** `owner/name` */
  readonly repository: string
  readonly name: string
  readonly settings: EnvironmentSettings
}

export interface ApplyInput {
  readonly environment: Environment
  /** Names this deploy for ever: the same key is never applied twice. */
  readonly releaseId: string
  readonly taskId: string
  readonly sha: string
  /** Puts the files of the SHA into a folder. */
  unpack(dir: string): Promise<void>
  /** The versions of languages that its tests were proved with, for the commands that are run of it on this machine. */
  tools(commands: readonly string[]): Promise<Tools>
  /** To be called right before people see the new release. @throws when somebody else may be at it by now */
  readonly mayAct: () => void
  /** The claim on the environment, for targets that can make a write depend on it: its token only grows. */
  readonly fence: Fence
  readonly signal: AbortSignal
  /** What waits to deploy it, where that has asked. */
  readonly awaits?: Awaits | undefined
  /** So many percent of the requests it is given at first, where the target can weigh: what is live keeps the rest. Undefined: all. */
  readonly percent?: number | undefined
}

/** What a service is built and started with on this machine. Plain data. */
export interface Tools {
  /** Folders with programs, before those of the machine. */
  readonly path: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** What was asked for and is not there, or not quite, in words. */
  readonly notes: readonly string[]
}

/** What is looked at before anybody is asked to approve it. */
export type PreflightInput = Pick<ApplyInput, 'environment' | 'sha' | 'unpack' | 'signal'>

/** A release that is kept. */
export interface Restorable {
  readonly releaseId: string
  readonly sha: string
}

/** What is put back, and where. */
export type RestoreInput = Pick<ApplyInput, 'environment' | 'releaseId' | 'mayAct' | 'fence' | 'signal'>

/** How many percent of the requests the release that went live last is given; from 100 on it has them all. */
export interface WeighInput extends RestoreInput {
  readonly percent: number
}

export type Observed =
  | { readonly state: 'absent' }
  /** Begun and not finished; nothing of it is visible yet. */
  | { readonly state: 'unfinished' }
  /** Begun, and goes on by itself whoever looks: it is only waited for. */
  | { readonly state: 'begun' }
  /** It may have been deployed or not, and the target cannot tell: a person has to look. */
  | { readonly state: 'unknown' }
  /** It serves, or has served; since when, ms since the epoch, where the target knows. */
  | { readonly state: 'live'; readonly since: number | undefined }
  | { readonly state: 'failed'; readonly error: string }

/** What an adapter owes: it deploys and tells the truth; it decides nothing. */
export interface Target {
  url(environment: Environment): string
  /** The SHA that serves now: as whatever serves says, not as it was meant to be. */
  current(environment: Environment): Promise<string | undefined>
  observe(releaseId: string): Promise<Observed>
  /** What it would change there, in lines for people, or whether it can at all; nothing is changed. Undefined: it cannot tell. @throws UserError where it could not be deployed */
  preflight?(input: PreflightInput): Promise<readonly string[]>
  /** Deploys, or leaves everything as it was. @throws UserError with the reason when it failed */
  apply(input: ApplyInput): Promise<void>
  /** The last lines of a release's log. */
  log(releaseId: string): Promise<string>
  /** Whether the environment answers its health check, through the way that users take. @param sha that release alone is asked, where two serve */
  probe(environment: Environment, sha?: string): Promise<boolean>
  /** What was measured of its traffic in a span of time, ms since the epoch, by release where it can tell them apart; nothing, where it sees none. */
  samples(environment: Environment, from: number, to: number): Promise<readonly Sample[]>
  /** Since when traffic was measured that came before a moment, ms since the epoch; undefined where there was none. */
  measuredSince(environment: Environment, before: number): Promise<number | undefined>
  /** How often a release was started again since it went live; undefined where it cannot tell. */
  restarts?(environment: Environment, releaseId: string): Promise<number | undefined>
  /** Releases that it keeps and can put back as they were, the newest first; what is live is not among them. Undefined: it keeps none. */
  restorable?(environment: Environment): Promise<readonly Restorable[]>
  /** Puts one of them back, whatever is live. @throws UserError with the reason when it cannot; then everything is as it was */
  restore?(input: RestoreInput): Promise<void>
  /** Gives what was deployed with a share of the requests another one, or all. Said again, it changes nothing. @throws UserError where something else is live by now */
  weigh?(input: WeighInput): Promise<void>
  /** What one process alone does for it; undefined: any process may deploy there. */
  readonly host?: TargetHost | undefined
}

/** A target that is served by Muster itself. */
export interface TargetHost {
  /** Takes over what runs, from the process that was the host before. */
  adopt(): Promise<void>
  /** Gives everything up for the next one. @param stopReleases ends what was deployed, too */
  close(stopReleases: boolean): Promise<void>
}

/** What every target is given when it is opened. */
export interface TargetDeps {
  /** What the operator has set. */
  readonly env: Env
  /** The data folder. */
  readonly dir: string
  readonly store: ReleaseStore
  /** Undefined where no platform has any. */
  readonly workflows?: Runs | undefined
  /** Deployments that another system carries out; undefined as well. */
  readonly shipments?: Runs | undefined
  /** Workflows that wait until they may deploy; undefined as well. */
  readonly awaiting?: Runs | undefined
  /** Where commands of repositories run; undefined where there is no such place. */
  readonly sandbox?: Pick<Sandbox, 'run'> | undefined
  /** The address on which this server listens, and the name by which people reach it. */
  readonly host: string
  readonly publicHost: string
  /** The database's clock: what is counted here is read by others. */
  readonly now: () => number
  readonly redact: (text: string) => string
  readonly log: (message: string, fields: Readonly<Record<string, unknown>>) => void
}

/** What somebody else deploys by, started over the platform and waited for, by the repository's `owner/name`. */
export interface Runs {
  /**
   * Starts one, once.
   * @param by the file of a workflow, or whatever tells others that it is for them
   * @param mayAct asked at the last moment before it leaves
   * @returns its run, where the platform tells at once
   * @throws UserError where it is refused; whatever else is thrown, it may have been started
   */
  start(repository: string, by: string, inputs: RunInputs, mayAct: () => void, how: RunHow): Promise<number | undefined>
  /** The run that was started for a release since a moment (ms). */
  find(repository: string, by: string, inputs: RunInputs, since: number, how: RunHow): Promise<number | undefined>
  /** Whether one may be started once more where nobody knows whether it was, and none is found. */
  readonly isRepeatable?: boolean | undefined
  get(repository: string, id: number): Promise<RunState>
  cancel(repository: string, id: number): Promise<void>
  /** What its jobs came to, and the steps that failed. */
  log(repository: string, id: number): Promise<string>
}

/** What a run is told. */
export type RunInputs = Readonly<Record<'sha' | 'environment' | 'release', string>>

/** What is known of one beside that. */
export interface RunHow {
  /** It has asked for this itself. */
  readonly awaits?: Awaits | undefined
  /** What deployed the same commit before, which is gone back to. */
  readonly again?: number | undefined
  /** How long it may take to begin. */
  readonly patienceMs: number
}

export interface RunState {
  /** How it ended; undefined while it has not. */
  readonly conclusion: string | undefined
  readonly url: string
}

/** The targets that this process knows, opened. */
export interface Targets {
  /** @throws UserError where there is none of that name */
  of(name: TargetName): Target
  readonly byName: Readonly<Record<string, Target>>
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
  /** Folders with programs, before those of the machine. */
  readonly path?: readonly string[] | undefined
  /** Variables of the server that it is given. */
  readonly secrets?: readonly string[] | undefined
  /** How it runs; undefined: as a process. */
  readonly runs?: 'process' | 'container' | 'objects' | undefined
  /** The image of a container, by what it contains, and what it is run with. */
  readonly container?: ContainerCommand | undefined
  /** What a Worker is served of, as its commit describes it. */
  readonly worker?: WorkerCommand | undefined
  /** Its version on Cloudflare. */
  readonly version?: string | undefined
  /** The server of HAProxy's that it is behind. */
  readonly server?: string | undefined
  /** Where that is: host and backend. */
  readonly place?: string | undefined
  /** While it is live with a share of the requests alone: so many percent, and the release that has the rest. */
  readonly share?: { readonly percent: number; readonly beside: string } | undefined
  /** The run of a workflow that deploys it, and the one by which it is gone back to: when it was asked for (ms), and its number once that is known. */
  readonly run?: BegunRun | undefined
  readonly back?: BegunRun | undefined
  /** Since when it has all of them, where it had a share before; ms since the epoch. */
  readonly wholeAt?: number | undefined
}

export interface BegunRun {
  readonly at: number
  readonly id?: number | undefined
}

export interface WorkerCommand {
  /** Its module, from the top of the release's files. */
  readonly main: string
  readonly compatibilityDate: string
  readonly compatibilityFlags: readonly string[]
  /** Its classes of objects: the variable by which each is reached, and whose storage it has. */
  readonly objects: readonly {
    readonly binding: string
    readonly className: string
    readonly key: string
    readonly isSql: boolean
  }[]
  readonly vars: Readonly<Record<string, unknown>>
}

export interface ContainerCommand {
  /** A digest, or the engine's own id of it. */
  readonly image: string
  /** The port inside. */
  readonly listens: number
  readonly memory?: string | undefined
  readonly cpus?: number | undefined
}

/** Releases of this machine, and what was measured of them. */
export interface ReleaseStore {
  save(row: ReleaseRow): Promise<void>
  /** Makes a stored release the one that is live, and every other one of its environment retired. @throws Fenced */
  goLive(row: ReleaseRow, at: Date, fence: Fence): Promise<void>
  /** How it is reached from now on. @throws Fenced; where it is live no more, too */
  reach(id: string, command: ReleaseCommand, fence: Fence): Promise<void>
  /** Another process of it serves from now on. @returns false, and nothing is written, where it is not what it was any more (live, retired) */
  moved(row: ReleaseRow): Promise<boolean>
  get(id: string): Promise<ReleaseRow | undefined>
  /** The release that serves an environment now. */
  live(repository: string, environment: string): Promise<ReleaseRow | undefined>
  allLive(): Promise<ReleaseRow[]>
  list(repository: string, environment: string): Promise<ReleaseRow[]>
  addSamples(repository: string, environment: string, sha: string, samples: readonly Sample[]): Promise<void>
  samples(repository: string, environment: string, from: Date, to: Date): Promise<Sample[]>
}

/** An environment with the end of its chain. */
export interface LoadedEnvironment {
  readonly state: EnvironmentState
  readonly chain: ChainEnd
}

export interface EnvironmentStore {
  load(key: string): Promise<LoadedEnvironment | undefined>
  /**
   * Writes what was decided, all of it or nothing.
   * @param basedOn what it was decided on; undefined for a new one
   * @throws Conflict
   */
  commit(
    outcome: EnvironmentOutcome,
    basedOn: LoadedEnvironment | undefined,
    context: {
      readonly at: number
      readonly actor: string
      /** The conversations that tasks are held in, by task. */
      readonly conversations: Readonly<Record<string, string>>
    },
  ): Promise<LoadedEnvironment>
  /** Those that want to be looked at by then. */
  due(now: Date): Promise<readonly EnvironmentState[]>
  /** Those that somebody has or waits for, and that nothing has changed since. */
  busy(before: Date): Promise<readonly EnvironmentState[]>
  /** All that there are, by name. */
  list(): Promise<readonly LoadedEnvironment[]>
  /** What happened after an event, the oldest first. @param after its number; 0 for all */
  events(key: string, after: number, limit: number): Promise<readonly Recorded[]>
}
