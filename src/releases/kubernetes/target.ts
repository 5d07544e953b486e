import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { messageOf, UserError } from '../../core/errors.ts'
import type { Sample } from '../../core/traffic.ts'
import { Lost, Unwanted } from '../../leases/types.ts'
import { Fenced } from '../../store/types.ts'
import { healthy } from '../local/health.ts'
import { releaseFolder, releaseLog, serviceLog } from '../local/log.ts'
import { CLUSTERS, placeOf } from '../places.ts'
import { begunRow, byLastServed, KEEP_RELEASES, NO_SERVICE, observed, writeLive } from '../rows.ts'
import type {
  ApplyInput,
  Environment,
  Observed,
  PreflightInput,
  ReleaseRow,
  Restorable,
  RestoreInput,
  Target,
  TargetDeps,
} from '../types.ts'
import { manifestsOf } from './files.ts'
import { Kubectl } from './kubectl.ts'
import { kubernetesSettings } from './settings.ts'
import { changesIn, podsOf, restartsOf, shaServing, whyNotReady } from './standing.ts'

/** Server-side apply: the server says what is wrong, and whoever else changes something is overruled in what the manifests say. */
const APPLY = [
  'apply',
  '--server-side',
  '--field-manager=muster',
  '--force-conflicts',
  '--validate=false',
  '--filename=-',
]
/** What would differ: by their names alone, for what is in them may be nobody's business. */
const DIFF = ['diff', ...APPLY.slice(1).filter((one) => !one.startsWith('--validate'))]
/** What `kubectl diff` ends with. */
const [NO_DIFFERENCE, DIFFERENCES] = [0, 1]
const APPLY_MS = 5 * 60_000
const LOG_LINES = 100
/** How much longer than it was told to wait kubectl is waited for. */
const SLACK_MS = 30_000

/** Manifests of the commit, applied; then the rollout is waited for. What goes wrong is taken back to the manifests before. */
export class KubernetesTarget implements Target {
  readonly #deps: TargetDeps

  constructor(deps: TargetDeps) {
    this.#deps = deps
  }

  url({ settings }: Environment): string {
    return kubernetesSettings(settings).url
  }

  /** Of which commit most of the pods are that are ready. */
  async current(environment: Environment): Promise<string | undefined> {
    const { deployment } = kubernetesSettings(environment.settings)
    return shaServing(await this.#kubectl(environment).json('get', 'replicasets'), deployment)
  }

  /** What has begun is applied again: that changes nothing where it was applied. */
  async observe(id: string): Promise<Observed> {
    return observed(await this.#deps.store.get(id), 'unfinished')
  }

  async log(id: string): Promise<string> {
    const row = await this.#deps.store.get(id)
    const kept = await releaseLog(this.#deps.dir, id, this.#deps.redact)
    if (row?.status !== 'live') return kept
    const { repository, environment: name, sha } = row
    const printed = await this.#printed({ repository, name }, sha).catch(
      (error: unknown) => `its log cannot be read: ${messageOf(error)}`,
    )
    return kept + this.#deps.redact(printed)
  }

  probe({ settings }: Environment): Promise<boolean> {
    const { url, health } = kubernetesSettings(settings)
    return healthy(new URL(health, url).href)
  }

  /** The cluster's own monitoring counts, not this. */
  async samples(): Promise<readonly Sample[]> {
    return []
  }

  async measuredSince(): Promise<undefined> {
    return undefined
  }

  /** Of all containers of its pods, as the cluster counts. */
  async restarts(environment: Environment, id: string): Promise<number | undefined> {
    const row = await this.#deps.store.get(id)
    return row && restartsOf(await this.#kubectl(environment).json('get', 'pods'), row.sha)
  }

  /** What the cluster says it would do. */
  async preflight(input: PreflightInput): Promise<readonly string[]> {
    const { environment, signal } = input
    const text = await manifestsOf(environment, { ...input, releaseId: 'preflight' }, this.#namespace(environment))
    const kubectl = this.#kubectl(environment)
    const how = { stdin: text, timeoutMs: APPLY_MS, signal }
    const said = await kubectl.run([...APPLY, '--dry-run=server'], how)
    const { exitCode, printed } = await kubectl.try(DIFF, how)
    if (exitCode === NO_DIFFERENCE) return ['nothing: all of it is there as it is']
    const changes = exitCode === DIFFERENCES ? changesIn(printed) : []
    // What differs cannot be told without the program `diff`.
    return changes.length > 0
      ? changes
      : said
          .trim()
          .split('\n')
          .map((line) => `apply ${line.split(' ')[0] ?? ''}`)
  }

  async apply(input: ApplyInput): Promise<void> {
    const { environment, releaseId: id, signal, mayAct, fence } = input
    const { store } = this.#deps
    const row = (await store.get(id)) ?? begunRow(input, NO_SERVICE)
    let isApplied = row.status === 'starting'
    try {
      await store.save(row)
      const text = await this.#manifests(input)
      const kubectl = this.#kubectl(environment)
      await kubectl.run([...APPLY, '--dry-run=server'], { stdin: text, timeoutMs: APPLY_MS, signal })
      signal.throwIfAborted()
      mayAct()
      isApplied = true
      await store.save({ ...row, status: 'starting' })
      await this.#rolledOut(environment, row.sha, text, signal)
      await writeLive(this.#deps, row, fence)
      await this.#tidied(row)
    } catch (error) {
      // Stopped, or taken over: whoever goes on applies it again. What nobody wants any more is taken back.
      const isLeft =
        error instanceof Lost || error instanceof Fenced || (signal.aborted && !(signal.reason instanceof Unwanted))
      if (isLeft) throw error
      const why = isApplied ? await this.#takenBack(environment, row, error) : detailOf(error)
      await rm(this.#file(id), { force: true })
      await store.save({ ...row, status: 'failed', detail: why })
      throw error instanceof UserError ? new UserError(error.code, why, error.hint ? { hint: error.hint } : {}) : error
    }
  }

  /** Kept as they are: going back applies them once more. */
  async #manifests(input: ApplyInput): Promise<string> {
    const file = this.#file(input.releaseId)
    if (existsSync(file)) return readFile(file, 'utf8')
    const text = await manifestsOf(input.environment, input, this.#namespace(input.environment))
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeFile(file, text, { mode: 0o600 })
    return text
  }

  /** Applied, and every pod replaced. @throws UserError where that does not come about in time, with what the pods say */
  async #rolledOut(environment: Environment, sha: string, text: string, signal?: AbortSignal): Promise<void> {
    const { deployment, timeoutSeconds } = kubernetesSettings(environment.settings)
    const kubectl = this.#kubectl(environment)
    await kubectl.run(APPLY, { stdin: text, timeoutMs: APPLY_MS, signal })
    const { exitCode, said } = await kubectl.try(
      ['rollout', 'status', `deployment/${deployment}`, `--timeout=${timeoutSeconds}s`],
      { timeoutMs: timeoutSeconds * 1000 + SLACK_MS, signal },
    )
    if (exitCode === 0) return
    const reasons = whyNotReady(await kubectl.json('get', 'pods').catch(() => ({ items: [] })), sha)
    const why = reasons.length > 0 ? reasons.join('; ') : said.trim().slice(-200)
    throw new UserError('not_rolled_out', `The rollout did not come to its end within ${timeoutSeconds} s: ${why}`)
  }

  /** To the manifests of what was live, or, where these are not kept, to the pods before. @returns what people are told */
  async #takenBack(environment: Environment, row: ReleaseRow, error: unknown): Promise<string> {
    await this.#keepLog(environment, row)
    const failure = await this.#again(environment)
    return failure === undefined ? detailOf(error) : `${detailOf(error)} Taking it back failed as well: ${failure}`
  }

  /** What is written down as live is applied once more, or, where its manifests are not kept, its pods are brought back. @returns why that failed */
  async #again(environment: Environment): Promise<string | undefined> {
    const { deployment } = kubernetesSettings(environment.settings)
    const live = await this.#deps.store.live(environment.repository, environment.name)
    // Nothing was: what does not come up stays, for whoever looks.
    if (!live) return undefined
    try {
      const file = this.#file(live.id)
      if (existsSync(file)) await this.#rolledOut(environment, live.sha, await readFile(file, 'utf8'))
      else await this.#kubectl(environment).run(['rollout', 'undo', `deployment/${deployment}`])
      return undefined
    } catch (error) {
      return messageOf(error).slice(0, 300)
    }
  }

  async #keepLog(environment: Environment, { id, sha }: ReleaseRow): Promise<void> {
    const printed = await this.#printed(environment, sha).catch(() => '')
    const file = serviceLog(this.#deps.dir, id)
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeFile(file, printed, { mode: 0o600 })
  }

  /** The last lines of one of its pods, of all its containers. */
  async #printed(environment: Pick<Environment, 'repository' | 'name'>, sha: string): Promise<string> {
    const kubectl = this.#kubectl(environment)
    const [pod] = podsOf(await kubectl.json('get', 'pods'), sha)
    if (pod === undefined) return ''
    return (await kubectl.try(['logs', pod, '--all-containers', `--tail=${LOG_LINES}`])).printed
  }

  async restorable({ repository, name }: Environment): Promise<readonly Restorable[]> {
    const rows = await this.#deps.store.list(repository, name)
    return byLastServed(rows)
      .filter(({ status, id }) => status !== 'live' && existsSync(this.#file(id)))
      .map(({ id, sha }) => ({ releaseId: id, sha }))
  }

  async restore({ environment, releaseId, signal, mayAct, fence }: RestoreInput): Promise<void> {
    const { store } = this.#deps
    const kept = await store.get(releaseId)
    if (!kept || kept.liveAt === undefined || !existsSync(this.#file(releaseId)))
      throw new UserError('nothing_kept', 'This release is not kept any more.')
    const text = await readFile(this.#file(releaseId), 'utf8')
    signal.throwIfAborted()
    mayAct()
    try {
      await this.#rolledOut(environment, kept.sha, text, signal)
    } catch (error) {
      // What was live stays, as far as it is kept.
      if (error instanceof UserError) await this.#again(environment)
      throw error
    }
    await writeLive(this.#deps, kept, fence)
  }

  async #tidied({ repository, environment }: ReleaseRow): Promise<void> {
    const rows = await this.#deps.store.list(repository, environment)
    for (const { id } of byLastServed(rows).slice(KEEP_RELEASES))
      await rm(releaseFolder(this.#deps.dir, id), { recursive: true, force: true })
  }

  #file(id: string): string {
    return join(releaseFolder(this.#deps.dir, id), 'manifests.yaml')
  }

  #kubectl(environment: Pick<Environment, 'repository' | 'name'>): Kubectl {
    return new Kubectl(environment, this.#deps.env)
  }

  #namespace(environment: Pick<Environment, 'repository' | 'name'>): string {
    return placeOf(CLUSTERS, environment, this.#deps.env).part
  }
}

function detailOf(error: unknown): string {
  return error instanceof UserError ? error.message : 'an unexpected error'
}
