import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { messageOf, UserError } from '../../core/errors.ts'
import type { Sample } from '../../core/traffic.ts'
import { Lost, Unwanted } from '../../leases/types.ts'
import { Fenced } from '../../store/types.ts'
import { healthy } from '../local/health.ts'
import { releaseLog, serviceLog } from '../local/log.ts'
import { CLUSTERS, placeOf } from '../places.ts'
import {
  begunRow,
  byLastServed,
  detailOf,
  KEEP_FAILED,
  KEEP_RELEASES,
  NO_SERVICE,
  observed,
  writeLive,
} from '../rows.ts'
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
import { Kept } from './kept.ts'
import { Kubectl } from './kubectl.ts'
import { deploymentIn } from './manifests.ts'
import { APPLY, APPLY_MS, DIFF, meantIn, untilRolledOut } from './rollout.ts'
import { kubernetesSettings } from './settings.ts'
import { changesIn, podsOf, restartsOf, shaServing } from './standing.ts'

/** What `kubectl diff` ends with. */
const [NO_DIFFERENCE, DIFFERENCES] = [0, 1]
const LOG_LINES = 100

/** Manifests of the commit, applied; then the rollout is waited for. What goes wrong is taken back to what was there before. */
export class KubernetesTarget implements Target {
  readonly #deps: TargetDeps
  readonly #kept: Kept

  constructor(deps: TargetDeps) {
    this.#deps = deps
    this.#kept = new Kept(deps.dir)
  }

  url({ settings }: Environment): string {
    return kubernetesSettings(settings).url
  }

  /** Of which commit most of the pods are that are ready; where none is, of which they are meant to be: what is broken is live all the same. */
  async current(environment: Environment): Promise<string | undefined> {
    const { deployment } = kubernetesSettings(environment.settings)
    const kubectl = this.#kubectl(environment)
    const sets = await kubectl.json('replicasets')
    const serving = sets === undefined ? undefined : shaServing(sets, deployment)
    return serving ?? (await meantIn(kubectl, deployment))?.sha
  }

  /** A rollout goes on by itself; applied again, it changes nothing. */
  async observe(id: string): Promise<Observed> {
    const row = await this.#deps.store.get(id)
    return observed(row, row?.status === 'starting' ? 'begun' : 'unfinished')
  }

  async log(id: string): Promise<string> {
    const row = await this.#deps.store.get(id)
    const kept = await releaseLog(this.#deps.dir, id, this.#deps.redact)
    if (row?.status !== 'live') return kept
    const { repository, environment: name } = row
    const printed = await this.#printed({ repository, name }, id).catch(
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
    const pods = await this.#kubectl(environment).json('pods')
    return pods === undefined ? undefined : restartsOf(pods, id)
  }

  /** What the cluster says it would make or change: by their names alone, for what is in them may be nobody's business. */
  async preflight(input: PreflightInput): Promise<readonly string[]> {
    const { environment, signal } = input
    const how = { ...input, releaseId: 'preflight' }
    const stdin = await manifestsOf(this.#deps, environment, how, this.#namespace(environment))
    const kubectl = this.#kubectl(environment)
    const said = await kubectl.run([...APPLY, '--dry-run=server'], { stdin, timeoutMs: APPLY_MS, signal })
    const { exitCode, printed } = await kubectl.try(DIFF, { stdin, timeoutMs: APPLY_MS, signal })
    if (exitCode === NO_DIFFERENCE) return ['nothing: all of it is there as it is']
    const changes = exitCode === DIFFERENCES ? changesIn(printed) : []
    if (changes.length > 0) return changes
    // What differs cannot be told without the program `diff`.
    return said
      .trim()
      .split('\n')
      .map((line) => `apply ${line.split(' ')[0] ?? ''}`)
  }

  async apply(input: ApplyInput): Promise<void> {
    const { environment, releaseId: id, signal, mayAct, fence } = input
    const { store } = this.#deps
    const row = (await store.get(id)) ?? begunRow(input, NO_SERVICE)
    let before: string | undefined
    try {
      if (row.status !== 'starting') await store.save(row)
      const text = await this.#manifests(input)
      const kubectl = this.#kubectl(environment)
      await kubectl.run([...APPLY, '--dry-run=server'], { stdin: text, timeoutMs: APPLY_MS, signal })
      const meant = await meantIn(kubectl, kubernetesSettings(environment.settings).deployment)
      signal.throwIfAborted()
      mayAct()
      // As it was when it was begun, whoever has applied it since.
      before = await this.#kept.before(id, meant?.revision ?? '')
      await store.save({ ...row, status: 'starting' })
      await this.#rolledOut(environment, row, text, signal)
      await writeLive(this.#deps, row, fence)
      await this.#tidied(row)
    } catch (error) {
      // Stopped, or taken over: whoever goes on waits for it. What nobody wants any more is taken back.
      const isStopped = signal.aborted && !(signal.reason instanceof Unwanted)
      if (error instanceof Lost || error instanceof Fenced || isStopped) throw error
      if (before !== undefined) mayAct()
      const why = before !== undefined ? await this.#takenBack(environment, row, error, before) : detailOf(error)
      await this.#kept.drop(id)
      await store.save({ ...row, status: 'failed', detail: why })
      throw error instanceof UserError ? new UserError(error.code, why, error.hint ? { hint: error.hint } : {}) : error
    }
  }

  /** Kept as they are: going back applies them once more. */
  async #manifests(input: ApplyInput): Promise<string> {
    const known = await this.#kept.read(input.releaseId)
    if (known !== undefined) return known
    const text = await manifestsOf(this.#deps, input.environment, input, this.#namespace(input.environment))
    await this.#kept.write(input.releaseId, text)
    return text
  }

  /** Applied, and every pod replaced. @throws UserError */
  async #rolledOut(environment: Environment, { id }: ReleaseRow, text: string, signal?: AbortSignal): Promise<void> {
    const { deployment, timeoutSeconds: seconds } = kubernetesSettings(environment.settings)
    const kubectl = this.#kubectl(environment)
    await kubectl.run(APPLY, { stdin: text, timeoutMs: APPLY_MS, signal })
    // As it was called then, whatever it is called now.
    await untilRolledOut(kubectl, { deployment: deploymentIn(text) ?? deployment, release: id, seconds, signal })
  }

  /** @returns what people are told */
  async #takenBack(environment: Environment, row: ReleaseRow, error: unknown, before: string): Promise<string> {
    await this.#keepLog(environment, row.id)
    const live = await this.#deps.store.live(environment.repository, environment.name)
    const failure = await this.#again(environment, live, row.id, before)
    return failure === undefined ? detailOf(error) : `${detailOf(error)} ${failure}`
  }

  /**
   * What was live is applied once more, or, where its manifests are not kept, its pods are brought back.
   * @param bad the release that is left, whose pods alone are taken away
   * @param revision of the Deployment, before that was applied; empty where there was none
   * @returns why that was not done, for people
   */
  async #again(
    environment: Environment,
    live: ReleaseRow | undefined,
    bad: string,
    revision: string,
  ): Promise<string | undefined> {
    const { deployment, timeoutSeconds: seconds } = kubernetesSettings(environment.settings)
    const kubectl = this.#kubectl(environment)
    try {
      const text = live && (await this.#kept.read(live.id))
      if (live && text !== undefined) await this.#rolledOut(environment, live, text)
      else if ((await meantIn(kubectl, deployment))?.release === bad) {
        if (revision === '') return 'Nothing was there before; what does not come up was left, for whoever looks.'
        await kubectl.run(['rollout', 'undo', `deployment/${deployment}`, `--to-revision=${revision}`])
        await untilRolledOut(kubectl, { deployment, release: live?.id ?? '', seconds })
      }
      return undefined
    } catch (error) {
      return `Taking it back failed as well: ${messageOf(error).slice(0, 300)}`
    }
  }

  async #keepLog(environment: Environment, id: string): Promise<void> {
    const printed = await this.#printed(environment, id).catch(() => '')
    const file = serviceLog(this.#deps.dir, id)
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeFile(file, printed, { mode: 0o600 })
  }

  /** The last lines of one of its pods, of all its containers. */
  async #printed(environment: Pick<Environment, 'repository' | 'name'>, id: string): Promise<string> {
    const kubectl = this.#kubectl(environment)
    const [pod] = podsOf((await kubectl.json('pods')) ?? { items: [] }, id)
    if (pod === undefined) return ''
    return (await kubectl.try(['logs', pod, '--all-containers', `--tail=${LOG_LINES}`])).printed
  }

  async restorable({ repository, name }: Environment): Promise<readonly Restorable[]> {
    const rows = await this.#deps.store.list(repository, name)
    return byLastServed(rows)
      .filter(({ status, id }) => status !== 'live' && this.#kept.has(id))
      .map(({ id, sha }) => ({ releaseId: id, sha }))
  }

  /** Written down first: whoever ends in the middle is found to be on the way there, and goes on. */
  async restore({ environment, releaseId, signal, mayAct, fence }: RestoreInput): Promise<void> {
    const { store } = this.#deps
    const row = await store.get(releaseId)
    const text = await this.#kept.read(releaseId)
    if (!row || row.liveAt === undefined || text === undefined)
      throw new UserError('nothing_kept', 'This release is not kept any more.')
    const live = await store.live(row.repository, row.environment)
    signal.throwIfAborted()
    mayAct()
    await writeLive(this.#deps, row, fence)
    try {
      await this.#rolledOut(environment, row, text, signal)
    } catch (error) {
      const isStopped = signal.aborted && !(signal.reason instanceof Unwanted)
      if (error instanceof Lost || error instanceof Fenced || isStopped) throw error
      mayAct()
      // What was live stays.
      if (live && live.id !== row.id) await writeLive(this.#deps, live, fence)
      const failure = await this.#again(environment, live, row.id, '')
      if (failure === undefined || !(error instanceof UserError)) throw error
      throw new UserError(error.code, `${error.message} ${failure}`)
    }
  }

  /** What cannot be gone back to any more goes, and what failed but for the last. */
  async #tidied({ repository, environment }: ReleaseRow): Promise<void> {
    const rows = await this.#deps.store.list(repository, environment)
    const failed = rows.filter(({ status }) => status === 'failed')
    const old = [...byLastServed(rows).slice(KEEP_RELEASES), ...failed.slice(KEEP_FAILED)]
    for (const { id } of old) await this.#kept.forget(id)
  }

  #kubectl(environment: Pick<Environment, 'repository' | 'name'>): Kubectl {
    return new Kubectl(environment, this.#deps)
  }

  #namespace(environment: Pick<Environment, 'repository' | 'name'>): string {
    return placeOf(CLUSTERS, environment, this.#deps.env).part
  }
}
