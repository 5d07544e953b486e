import { messageOf, UserError } from '../../core/errors.ts'
import type { Sample } from '../../core/traffic.ts'
import { type Fence, Lost } from '../../leases/types.ts'
import { Fenced } from '../../store/types.ts'
import { healthy } from '../local/health.ts'
import { byLastServed } from '../local/releases.ts'
import type {
  ApplyInput,
  BegunRun,
  Environment,
  Observed,
  ReleaseRow,
  Restorable,
  RestoreInput,
  Target,
  TargetDeps,
  WorkflowRuns,
} from '../types.ts'
import { actionsSettings } from './settings.ts'

/** How often a run is looked at: soon at first, then less often. */
const LOOK_MS = { first: 500, most: 5000, grows: 1.5 } as const
const KEEP_RELEASES = 5
/** A run may be listed a moment after it was started. */
const LISTED_MS = 60_000
const VERSION_MS = 10_000
const UNKNOWN =
  'GitHub may have been asked for a run that cannot be found; please look at the workflow, then say deploy again for a new plan'

/** Deploys by a workflow of GitHub Actions: started once, found again, waited for. What it does is its own business. */
export class ActionsTarget implements Target {
  readonly #deps: TargetDeps

  constructor(deps: TargetDeps) {
    this.#deps = deps
  }

  url({ settings }: Environment): string {
    return actionsSettings(settings).url
  }

  /** As `version` answers; without it, what was deployed from here last. */
  async current({ repository, name, settings }: Environment): Promise<string | undefined> {
    const live = await this.#deps.store.live(repository, name)
    const { url, version } = actionsSettings(settings)
    if (!version) return live?.sha
    const answer = await fetch(addressOf(url, version), { signal: AbortSignal.timeout(VERSION_MS) }).catch(
      () => undefined,
    )
    const sha = answer?.ok ? shaIn(await answer.text()) : undefined
    // Nothing answers before the first deploy.
    if (sha !== undefined || !live) return sha
    throw new UserError('no_version', `What is live on ${name} cannot be found out: ${version} answers with no SHA.`)
  }

  async observe(id: string): Promise<Observed> {
    const row = await this.#deps.store.get(id)
    if (!row) return { state: 'absent' }
    if (row.status === 'live' || row.status === 'retired') return { state: 'live', since: row.liveAt?.getTime() }
    return row.status === 'failed' ? { state: 'failed', error: row.detail ?? 'it failed' } : { state: 'unfinished' }
  }

  async log(id: string): Promise<string> {
    const row = await this.#deps.store.get(id)
    const run = row?.command.run?.id
    if (!row || run === undefined) return ''
    const text = await this.#runs()
      .log(row.repository, run)
      .catch((error: unknown) => `its log cannot be read: ${messageOf(error)}`)
    return this.#deps.redact(text)
  }

  probe({ settings }: Environment): Promise<boolean> {
    const { url, health } = actionsSettings(settings)
    return healthy(addressOf(url, health))
  }

  async samples(): Promise<readonly Sample[]> {
    return []
  }

  async measuredSince(): Promise<undefined> {
    return undefined
  }

  async apply({ environment, releaseId: id, sha, taskId, mayAct, fence, signal }: ApplyInput): Promise<void> {
    const row = (await this.#deps.store.get(id)) ?? rowOf(environment, { id, sha, taskId })
    const { command } = row
    const note = (run: BegunRun) => this.#deps.store.save({ ...row, command: { ...command, run } })
    try {
      await this.#carriedOut(row, environment, { begun: command.run, note, mayAct, signal })
      await this.#goLive(row, fence)
    } catch (error) {
      // Stopped, or taken over: whoever goes on finds the run, and waits for it.
      if (signal.aborted || error instanceof Lost || error instanceof Fenced) throw error
      const detail = error instanceof UserError ? error.message : 'an unexpected error'
      await this.#deps.store.save({ ...((await this.#deps.store.get(id)) ?? row), status: 'failed', detail })
      throw error
    }
  }

  async restorable({ repository, name, settings }: Environment): Promise<readonly Restorable[]> {
    if (!actionsSettings(settings).restore) return []
    const rows = await this.#deps.store.list(repository, name)
    return byLastServed(rows)
      .slice(0, KEEP_RELEASES)
      .filter(({ status }) => status !== 'live')
      .map(({ id, sha }) => ({ releaseId: id, sha }))
  }

  /** The same workflow deploys the earlier commit: one run, however often it is asked for before that has ended. */
  async restore({ environment, releaseId, mayAct, fence, signal }: RestoreInput): Promise<void> {
    const { store } = this.#deps
    const kept = await store.get(releaseId)
    if (!kept || kept.liveAt === undefined) throw new UserError('nothing_kept', 'This release is not kept any more.')
    const note = (back: BegunRun | undefined) => store.save({ ...kept, command: { ...kept.command, back } })
    try {
      await this.#carriedOut(kept, environment, { begun: kept.command.back, note, mayAct, signal })
    } catch (error) {
      // Asked for once more it is another run, unless this one still goes on.
      if (error instanceof UserError) await note(undefined)
      throw error
    }
    await note(undefined)
    await this.#goLive(kept, fence)
  }

  /** Starts a run of the workflow, unless one has begun, and waits until it has succeeded. @throws UserError */
  async #carriedOut(
    row: ReleaseRow,
    environment: Environment,
    { begun, note, mayAct, signal }: Carrying,
  ): Promise<void> {
    const { workflow, timeoutSeconds } = actionsSettings(environment.settings)
    const { repository, sha, id: release } = row
    signal.throwIfAborted()
    const run = begun ?? { at: this.#deps.now() }
    let { id } = run
    if (!begun) {
      mayAct()
      // That it is about to be asked for stands before it is: it is asked for once.
      await note(run)
      id = await this.#runs().start(repository, workflow, { sha, environment: environment.name, release })
    }
    id ??= await this.#found(row, workflow, run.at, signal)
    if (id === undefined) throw new UserError('run_unknown', UNKNOWN)
    if (id !== run.id) await note({ ...run, id })
    await this.#ended(repository, id, timeoutSeconds * 1000 - (this.#deps.now() - run.at), signal)
  }

  /** The run that says in its name for which release it is. */
  async #found(row: ReleaseRow, workflow: string, since: number, signal: AbortSignal): Promise<number | undefined> {
    const until = this.#deps.now() + LISTED_MS
    for (let nth = 0; ; nth++) {
      const found = await this.#runs().find(row.repository, workflow, row.id, since)
      if (found !== undefined || this.#deps.now() >= until) return found
      await paused(nth, signal)
    }
  }

  async #ended(repository: string, id: number, patienceMs: number, signal: AbortSignal): Promise<void> {
    const until = this.#deps.now() + patienceMs
    let isCancelled = false
    for (let nth = 0; ; nth++) {
      const run = await this.#runs().get(repository, id)
      if (run.conclusion === 'success') return
      if (run.conclusion !== undefined)
        throw new UserError(
          'run_failed',
          isCancelled
            ? `The run took longer than it may, and was cancelled: ${run.url}`
            : `The run ended with \`${run.conclusion}\`: ${run.url}`,
        )
      if (this.#deps.now() >= until && !isCancelled) {
        isCancelled = true
        await this.#runs().cancel(repository, id)
      }
      await paused(nth, signal)
    }
  }

  async #goLive(row: ReleaseRow, fence: Fence): Promise<void> {
    const { store, now } = this.#deps
    const live = await store.live(row.repository, row.environment)
    await store.goLive(row, new Date(Math.max(now(), (live?.liveAt?.getTime() ?? 0) + 1)), fence)
  }

  #runs(): WorkflowRuns {
    const { workflows } = this.#deps
    if (workflows) return workflows
    throw new UserError('no_workflows', 'This server starts no workflows of GitHub.')
  }
}

interface Carrying extends Pick<ApplyInput, 'mayAct' | 'signal'> {
  readonly begun: BegunRun | undefined
  readonly note: (run: BegunRun) => Promise<void>
}

function rowOf(
  { repository, name }: Environment,
  { id, sha, taskId }: { readonly id: string; readonly sha: string; readonly taskId: string },
): ReleaseRow {
  return {
    id,
    repository,
    environment: name,
    sha,
    taskId,
    status: 'building',
    port: undefined,
    pid: undefined,
    startedTick: undefined,
    dir: '',
    command: { start: '', health: '', publicPort: 0, env: {} },
    detail: undefined,
    liveAt: undefined,
  }
}

async function paused(nth: number, signal: AbortSignal): Promise<void> {
  const ms = Math.min(LOOK_MS.most, LOOK_MS.first * LOOK_MS.grows ** nth)
  await new Promise((resolve) => setTimeout(resolve, ms))
  signal.throwIfAborted()
}

function addressOf(url: string, path: string): string {
  return url.replace(/\/$/, '') + path
}

/** The first word that is a commit. */
function shaIn(text: string): string | undefined {
  return /\b[\da-f]{40}(?:[\da-f]{24})?\b/.exec(text.slice(0, 10_000))?.[0]
}
