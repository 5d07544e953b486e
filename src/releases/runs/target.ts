import { messageOf, UserError } from '../../core/errors.ts'
import type { Sample } from '../../core/traffic.ts'
import { Lost, Unwanted } from '../../leases/types.ts'
import { Fenced } from '../../store/types.ts'
import { healthy } from '../local/health.ts'
import { begunRow, byLastServed, KEEP_RELEASES, NO_SERVICE, observed, writeLive } from '../rows.ts'
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
  RunHow,
  RunInputs,
  Runs,
} from '../types.ts'
import { runSettings } from './settings.ts'

/** How often a run is looked at: soon at first, then less often. */
const LOOK_MS = { first: 500, most: 5000, grows: 1.5 } as const
/** A run may be listed a moment after it was started. */
const LISTED_MS = 60_000
const VERSION_MS = 10_000
const MAX_VERSION = 10_000
/** How long a run may take to end that was cancelled. */
const CANCEL_MS = 5 * 60_000

/** What is started, as people are told. */
type What = 'workflow' | 'deployment' | 'waiting'
const WORDS: Readonly<Record<What, { readonly run: string; readonly unknown: string; readonly none: string }>> = {
  workflow: {
    run: 'run',
    unknown:
      'GitHub may have been asked for a run that cannot be found; please look at the workflow, then say deploy again for a new plan',
    none: 'This server starts no workflows of GitHub.',
  },
  deployment: {
    run: 'deployment',
    unknown:
      'GitHub may have been asked for a deployment that cannot be found; please look at the environment, then say deploy again for a new plan',
    none: 'This server makes no deployments on GitHub.',
  },
  waiting: {
    run: 'deployment of the workflow',
    unknown:
      'a workflow may have been let go on, and its deployment cannot be found; please look at the environment, then say deploy again for a new plan',
    none: 'No workflow of GitHub waits for this server.',
  },
}

/** Deploys by what is started over the platform: once, found again, waited for. What it does is its own business. */
export class RunTarget implements Target {
  readonly #deps: TargetDeps
  readonly #known: Runs | undefined
  readonly #words: (typeof WORDS)[What]

  /** @param runs undefined where there is no platform that has any */
  constructor(deps: TargetDeps, runs: Runs | undefined, what: What) {
    this.#deps = deps
    this.#known = runs
    this.#words = WORDS[what]
  }

  url({ settings }: Environment): string {
    return runSettings(settings).url
  }

  /** As `version` answers; where it does not, or there is none, what was deployed from here last: what is broken is to be left all the same. */
  async current({ repository, name, settings }: Environment): Promise<string | undefined> {
    const { url, version } = runSettings(settings)
    const told = version ? await versionAt(addressOf(url, version)) : undefined
    return told ?? (await this.#deps.store.live(repository, name))?.sha
  }

  async observe(id: string): Promise<Observed> {
    return observed(await this.#deps.store.get(id), 'begun')
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
    const { url, health } = runSettings(settings)
    return healthy(addressOf(url, health))
  }

  async samples(): Promise<readonly Sample[]> {
    return []
  }

  async measuredSince(): Promise<undefined> {
    return undefined
  }

  async apply(input: ApplyInput): Promise<void> {
    const { environment, releaseId: id, mayAct, fence, signal } = input
    const row = (await this.#deps.store.get(id)) ?? begunRow(input, NO_SERVICE)
    const { command } = row
    const note = (run: BegunRun) => this.#deps.store.save({ ...row, command: { ...command, run } })
    try {
      const { awaits } = input
      await this.#carriedOut(row, environment, { begun: command.run, note, mayAct, signal, awaits })
      await writeLive(this.#deps, row, fence)
    } catch (error) {
      // Stopped, or taken over: whoever goes on finds the run, and waits for it.
      if (signal.aborted || error instanceof Lost || error instanceof Fenced) throw error
      // Whatever else went wrong, its run may go on.
      if (!(error instanceof UserError)) throw error
      const known = (await this.#deps.store.get(id)) ?? row
      await this.#deps.store.save({ ...known, status: 'failed', detail: error.message })
      throw error
    }
  }

  async restorable({ repository, name, settings }: Environment): Promise<readonly Restorable[]> {
    if (!runSettings(settings).restore) return []
    const rows = await this.#deps.store.list(repository, name)
    return byLastServed(rows)
      .slice(0, KEEP_RELEASES)
      .filter(({ status }) => status !== 'live')
      .map(({ id, sha }) => ({ releaseId: id, sha }))
  }

  /** The earlier commit is deployed the same way: once, however often it is asked for before that has ended. */
  async restore({ environment, releaseId, mayAct, fence, signal }: RestoreInput): Promise<void> {
    const { store } = this.#deps
    const kept = await store.get(releaseId)
    if (!kept || kept.liveAt === undefined) throw new UserError('nothing_kept', 'This release is not kept any more.')
    const { back } = kept.command
    const live = await store.live(kept.repository, kept.environment)
    // What has gone live since was another matter.
    const begun =
      back && back.at > (live?.liveAt?.getTime() ?? 0) && !(await this.#isFailed(kept.repository, back))
        ? back
        : undefined
    const note = (run: BegunRun) => store.save({ ...kept, command: { ...kept.command, back: run } })
    const again = kept.command.run?.id
    await this.#carriedOut(kept, environment, { begun, note, mayAct, signal, again })
    await writeLive(this.#deps, kept, fence)
  }

  async #isFailed(repository: string, { id }: BegunRun): Promise<boolean> {
    if (id === undefined) return false
    const { conclusion } = await this.#runs().get(repository, id)
    return conclusion !== undefined && conclusion !== 'success'
  }

  /** Starts one, unless one has begun, and waits until it has succeeded. @throws UserError */
  async #carriedOut(
    row: ReleaseRow,
    environment: Environment,
    { begun, note, mayAct, signal, awaits, again }: Carrying,
  ): Promise<void> {
    const { by, timeoutSeconds } = runSettings(environment.settings)
    const { repository, sha, id: release } = row
    signal.throwIfAborted()
    let run = begun ?? { at: this.#deps.now() }
    const patienceMs = timeoutSeconds * 1000
    const how = { awaits, again, patienceMs }
    // What is waited for there may be long in coming.
    const may = () => {
      signal.throwIfAborted()
      mayAct()
    }
    const inputs = { sha, environment: environment.name, release }
    let { id } = run
    if (begun && id === undefined && this.#runs().isRepeatable) {
      const { at } = run
      id = await this.#asked(() => this.#runs().find(repository, by, inputs, at, how))
      id ??= await this.#started(repository, by, inputs, may, how)
    }
    if (!begun) {
      mayAct()
      // That it is about to be asked for stands before it is: it is asked for once.
      await note(run)
      id = await this.#started(repository, by, inputs, may, how)
    }
    const starts = this.#runs().isRepeatable ? () => this.#started(repository, by, inputs, may, how) : undefined
    id ??= await this.#found({ repository, by, inputs, since: run.at, how }, signal, starts)
    if (id === undefined) throw new UserError('run_unknown', this.#words.unknown)
    // What was waited for counts from when it was let go on.
    if (id !== run.id) await note((run = { at: this.#runs().isRepeatable ? this.#deps.now() : run.at, id }))
    await this.#ended(repository, id, patienceMs - (this.#deps.now() - run.at), signal)
  }

  /** Undefined as well where the answer was lost: it may have begun. */
  async #started(...asked: Parameters<Runs['start']>): Promise<number | undefined> {
    try {
      return await this.#runs().start(...asked)
    } catch (error) {
      if (error instanceof UserError || error instanceof Lost) throw error
      this.#deps.log('nobody knows whether what deploys was started', { error: messageOf(error) })
      return undefined
    }
  }

  /** The run that says for which release it is. @param starts starts it once more, where that is the same as once */
  async #found(
    { repository, by, inputs, since, how }: Looked,
    signal: AbortSignal,
    starts: () => Promise<number | undefined> = () => Promise.resolve(undefined),
  ): Promise<number | undefined> {
    const until = this.#deps.now() + LISTED_MS
    for (let nth = 0; ; nth++) {
      const found = (await this.#asked(() => this.#runs().find(repository, by, inputs, since, how))) ?? (await starts())
      if (found !== undefined || this.#deps.now() >= until) return found
      await paused(nth, signal)
    }
  }

  /** What GitHub cannot answer now is asked again: the run goes on. */
  async #asked<T>(question: () => Promise<T>): Promise<T | undefined> {
    try {
      return await question()
    } catch (error) {
      if (error instanceof Lost) throw error
      this.#deps.log('a run cannot be looked at now', { error: messageOf(error) })
      return undefined
    }
  }

  /** Waits for its end. One that takes too long is cancelled, and that end waited for; one that nobody wants any more is cancelled alone. */
  async #ended(repository: string, id: number, patienceMs: number, signal: AbortSignal): Promise<void> {
    const { run: what } = this.#words
    const until = this.#deps.now() + patienceMs
    const isOver = async () =>
      (await this.#asked(() => this.#runs().get(repository, id))) ?? { conclusion: undefined, url: '' }
    let cancelledAt: number | undefined
    for (let nth = 0; ; nth++) {
      const { conclusion, url } = await isOver()
      if (conclusion === 'success') return
      if (conclusion !== undefined && cancelledAt !== undefined)
        throw new UserError('run_failed', `The ${what} took longer than it may, and was cancelled: ${url}`)
      if (conclusion !== undefined)
        throw new UserError('run_failed', `The ${what} ended with \`${conclusion}\`: ${url}`)
      const now = this.#deps.now()
      if (cancelledAt !== undefined && now - cancelledAt > CANCEL_MS)
        throw new UserError('run_failed', `The ${what} took longer than it may, and does not end: ${url}`)
      if (now >= until && cancelledAt === undefined) {
        cancelledAt = now
        await this.#asked(() => this.#runs().cancel(repository, id))
      }
      await paused(nth, signal).catch(async (error: unknown) => {
        // Whoever stops leaves it to the next one; what nobody wants any more is ended.
        if (signal.reason instanceof Unwanted) await this.#asked(() => this.#runs().cancel(repository, id))
        throw error
      })
    }
  }

  #runs(): Runs {
    if (this.#known) return this.#known
    throw new UserError('no_runs', this.#words.none)
  }
}

interface Carrying extends Pick<ApplyInput, 'mayAct' | 'signal' | 'awaits'> {
  readonly begun: BegunRun | undefined
  readonly note: (run: BegunRun) => Promise<void>
  readonly again?: number | undefined
}

interface Looked {
  readonly repository: string
  readonly by: string
  readonly inputs: RunInputs
  readonly since: number
  readonly how: RunHow
}

async function paused(nth: number, signal: AbortSignal): Promise<void> {
  const ms = Math.min(LOOK_MS.most, LOOK_MS.first * LOOK_MS.grows ** nth)
  await new Promise((resolve) => setTimeout(resolve, ms))
  signal.throwIfAborted()
}

function addressOf(url: string, path: string): string {
  return url.replace(/\/$/, '') + path
}

/** The SHA that an address answers with; undefined where it answers nothing of the kind. */
async function versionAt(url: string): Promise<string | undefined> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(VERSION_MS), redirect: 'manual' })
    if (!answer.ok || !answer.body) return undefined
    let text = ''
    for await (const part of answer.body) {
      text += Buffer.from(part).toString('latin1')
      if (text.length > MAX_VERSION) break
    }
    return /\b[\da-f]{40}(?:[\da-f]{24})?\b/.exec(text.slice(0, MAX_VERSION))?.[0]
  } catch {
    return undefined
  }
}
