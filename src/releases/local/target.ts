import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../core/errors.ts'
import type { Sample } from '../../core/traffic.ts'
import { Lost } from '../../leases/types.ts'
import { Fenced } from '../../store/types.ts'
import { begunRow, byLastServed, detailOf, observed, servedSince } from '../rows.ts'
import { besideOf, shareBeside } from '../shares.ts'
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
  TargetHost,
  WeighInput,
} from '../types.ts'
import { healthy, ownHealth } from './health.ts'
import { releaseFolder, releaseLog } from './log.ts'
import { Ports } from './ports.ts'
import { Releases } from './releases.ts'
import { Serving } from './serving.ts'
import { portSettings, runsAs } from './settings.ts'
import { Supervisor } from './supervisor.ts'

/** Deploys onto this machine: build, start on a free port, health, switch the proxy, drain and stop the old one. */
export class LocalTarget implements Target {
  readonly host: TargetHost
  readonly #deps: TargetDeps
  readonly #ports: Ports
  readonly #releases: Releases
  readonly #serving: Serving

  constructor(deps: TargetDeps) {
    this.#deps = deps
    this.#ports = new Ports(deps)
    this.#releases = new Releases(deps)
    this.#serving = new Serving(deps, this.#ports, this.#releases)
    const parts = { ports: this.#ports, releases: this.#releases, serving: this.#serving }
    const supervisor = new Supervisor(deps, parts)
    this.host = { adopt: () => supervisor.adopt(), close: (stopReleases) => supervisor.close(stopReleases) }
  }

  url({ settings }: Environment): string {
    return `http://${this.#deps.publicHost}:${portSettings(settings).port}`
  }

  /** The proxy tells what it sends people to; where it has nothing of that environment, what is written down does. */
  async current({ repository, name }: Environment): Promise<string | undefined> {
    const standing = (await this.#ports.standing()) ?? []
    const served = standing.find((one) => one.repository === repository && one.environment === name)
    return served?.route ? served.route.sha : (await this.#deps.store.live(repository, name))?.sha
  }

  async observe(id: string): Promise<Observed> {
    return observed(await this.#deps.store.get(id), 'unfinished')
  }

  async log(id: string): Promise<string> {
    const row = await this.#deps.store.get(id)
    if (row) await this.#releases.keepLog(row)
    return releaseLog(this.#deps.dir, id, this.#deps.redact)
  }

  async probe({ repository, name, settings }: Environment, sha?: string): Promise<boolean> {
    const { port, health } = portSettings(settings)
    if (sha === undefined) return healthy(`http://127.0.0.1:${port}${health}`)
    const live = await this.#deps.store.live(repository, name)
    const row = live?.sha === sha ? live : live && (await besideOf(this.#deps.store, live))
    const url = row?.sha === sha ? ownHealth(row) : undefined
    return url !== undefined && healthy(url)
  }

  samples({ repository, name }: Environment, from: number, to: number): Promise<readonly Sample[]> {
    return this.#deps.store.samples(repository, name, new Date(from), new Date(to))
  }

  async measuredSince({ repository, name }: Environment, before: number): Promise<number | undefined> {
    return servedSince(await this.#deps.store.list(repository, name), before)
  }

  async restarts(_environment: Environment, id: string): Promise<number | undefined> {
    const row = await this.#deps.store.get(id)
    return row?.liveAt && this.#releases.restartsSince(id, row.liveAt.getTime())
  }

  preflight({ environment, unpack }: PreflightInput): Promise<readonly string[]> {
    return this.#releases.preview(environment, unpack)
  }

  async apply(input: ApplyInput): Promise<void> {
    const { environment, signal, mayAct } = input
    const row = await this.#rowOf(input)
    await this.#releases.clear(row)
    await this.#deps.store.save(row)
    let started: ReleaseRow | undefined
    let known = row
    try {
      const prepared = await this.#releases.prepare(row, { ...input, settings: environment.settings })
      known = prepared
      await this.#ports.open(prepared)
      const starting = { ...prepared, status: 'starting' as const }
      const { healthTimeoutSeconds } = portSettings(environment.settings)
      started = await this.#releases.start(starting, healthTimeoutSeconds, signal, (one) => this.#deps.store.save(one))
      // Whoever lost the work in between changes nothing that people see.
      signal.throwIfAborted()
      mayAct()
      await this.#serving.goLive(started, input.fence, 'warm')
    } catch (error) {
      // What nobody is sent to does not go on.
      const isLive = started !== undefined && (await this.#releases.isLive(started))
      if (started && !isLive) await this.#releases.stop(started)
      // Stopped, or taken over: whoever goes on finds it unfinished, and begins anew.
      if (isLive || signal.aborted || error instanceof Lost || error instanceof Fenced) throw error
      await this.#deps.store.save({
        ...known,
        status: 'failed',
        detail: detailOf(error),
      })
      throw error
    }
  }

  async #rowOf(input: ApplyInput): Promise<ReleaseRow> {
    const { environment, releaseId, percent } = input
    const { repository, name, settings } = environment
    const { health, port, env, secrets } = portSettings(settings)
    const live = percent === undefined ? undefined : await this.#deps.store.live(repository, name)
    const command = {
      start: '',
      health,
      publicPort: port,
      env,
      secrets,
      runs: runsAs(settings),
      ...shareBeside(live, percent),
    }
    return begunRow(input, command, join(releaseFolder(this.#deps.dir, releaseId), 'files'))
  }

  async restorable({ repository, name }: Environment): Promise<readonly Restorable[]> {
    const rows = await this.#deps.store.list(repository, name)
    return byLastServed(rows)
      .filter((row) => row.status !== 'live' && existsSync(row.dir))
      .map(({ id, sha }) => ({ releaseId: id, sha }))
  }

  /** The one before is still warm: then people are only sent there. Else it is started from its files. */
  async restore({ environment, releaseId, signal, mayAct, fence }: RestoreInput): Promise<void> {
    const kept = await this.#deps.store.get(releaseId)
    if (!kept || kept.liveAt === undefined || !existsSync(kept.dir))
      throw new UserError('nothing_kept', 'This release is not kept any more.')
    const { healthTimeoutSeconds, port } = portSettings(environment.settings)
    // It had a share of the requests at last, where it was taken back itself: now it has all.
    const { share, ...command } = { ...kept.command, publicPort: port }
    const row = { ...kept, command }
    // People reach it where they reach the one that is live.
    if (kept.command.publicPort !== port || share) await this.#deps.store.save(row)
    await this.#ports.open(row)
    const serving = await this.#up(row, healthTimeoutSeconds, signal)
    signal.throwIfAborted()
    mayAct()
    await this.#serving.goLive(serving, fence, 'stopped')
  }

  async weigh({ environment, releaseId, percent, signal, mayAct, fence }: WeighInput): Promise<void> {
    const { repository, name } = environment
    signal.throwIfAborted()
    mayAct()
    await this.#serving.weigh({ repository, environment: name }, releaseId, percent, fence)
  }

  /** It runs and answers, or is started from its files; what is written down of it stays what it is until it serves. */
  #up(row: ReleaseRow, healthSeconds: number, signal: AbortSignal): Promise<ReleaseRow> {
    // Whoever supervises may be starting it at this moment.
    return this.#releases.alone(row, async (now = row) => {
      if (await this.#releases.isWarm(now)) return now
      // It may run, and not answer.
      await this.#releases.stop(now)
      const again = await this.#releases.start(now, healthSeconds, signal)
      if (await this.#deps.store.moved(again)) return again
      await this.#releases.stop(again)
      throw new UserError('changed', 'Somebody else has changed this release meanwhile.')
    })
  }
}
