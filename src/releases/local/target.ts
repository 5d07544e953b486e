import { existsSync } from 'node:fs'
import { appendFile, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../core/errors.ts'
import { Fenced } from '../../store/types.ts'
import { type Fence, Lost } from '../../leases/types.ts'
import type { Sample } from '../../core/traffic.ts'
import type {
  ApplyInput,
  Environment,
  Observed,
  ReleaseRow,
  Restorable,
  RestoreInput,
  Target,
  TargetDeps,
  TargetHost,
} from '../types.ts'
import { freePort, isAlive, serviceEnv, startService, stopService } from './process.ts'
import { build, byLastServed, healthy, isWarm, startedOf, STOP_MS, stopRow, untilHealthy } from './service.ts'
import { releaseFolder, releaseLog } from './log.ts'
import { Ports } from './ports.ts'
import { type LocalSettings, localSettings } from './settings.ts'

const KEEP_RELEASES = 5
const KEEP_FAILED = 2
const DRAIN_MS = 10_000
const SUPERVISE_MS = 2_000
const MAX_RESTART_PAUSE_MS = 60_000
const RESTART_HEALTH_SECONDS = 30
/** How long the release before stays warm. */
const WARM_MS = 3_600_000

/** Deploys onto this machine: unpack, build, start on a free port, health, switch the proxy, drain and stop the old one. */
export class LocalTarget implements Target {
  readonly host: TargetHost = { adopt: () => this.#adopt(), close: (stopReleases) => this.#close(stopReleases) }
  readonly #options: TargetDeps
  readonly #ports: Ports
  readonly #restarts = new Map<string, { failures: number; after: number }>()
  readonly #turns = new Map<string, Promise<unknown>>()
  /** Live releases beside which nothing is warm any more. */
  readonly #cooled = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #supervising: Promise<void> | undefined

  constructor(options: TargetDeps) {
    this.#options = options
    this.#ports = new Ports(options)
  }

  url({ settings }: Environment): string {
    return `http://${this.#options.publicHost}:${localSettings(settings).port}`
  }

  /** The proxy tells what it sends people to; where it has nothing of that environment, what is written down does. */
  async current({ repository, name }: Environment): Promise<string | undefined> {
    const standing = (await this.#ports.standing()) ?? []
    const served = standing.find((one) => one.repository === repository && one.environment === name)
    return served?.route ? served.route.sha : (await this.#options.store.live(repository, name))?.sha
  }

  async observe(id: string): Promise<Observed> {
    const row = await this.#options.store.get(id)
    if (!row) return { state: 'absent' }
    if (row.status === 'live' || row.status === 'retired') return { state: 'live', since: row.liveAt?.getTime() }
    return row.status === 'failed' ? { state: 'failed', error: row.detail ?? 'it failed' } : { state: 'unfinished' }
  }

  log(id: string): Promise<string> {
    return releaseLog(this.#options.dir, id, this.#options.redact)
  }

  probe({ settings }: Environment): Promise<boolean> {
    const { port, health } = localSettings(settings)
    return healthy(`http://127.0.0.1:${port}${health}`)
  }

  samples({ repository, name }: Environment, from: number, to: number): Promise<readonly Sample[]> {
    return this.#options.store.samples(repository, name, new Date(from), new Date(to))
  }

  async measuredSince({ repository, name }: Environment, before: number): Promise<number | undefined> {
    const rows = await this.#options.store.list(repository, name)
    const since = rows.map((row) => row.liveAt?.getTime() ?? Number.POSITIVE_INFINITY).filter((at) => at < before)
    return since.length > 0 ? Math.min(...since) : undefined
  }

  async apply(input: ApplyInput): Promise<void> {
    const { environment, releaseId: id, sha, taskId, signal, mayAct } = input
    const settings = localSettings(environment.settings)
    const files = join(this.#folder(id), 'files')
    await this.#clear(id, files)
    const command = { start: settings.start, health: settings.health, publicPort: settings.port, env: settings.env }
    const row: ReleaseRow = {
      id,
      repository: environment.repository,
      environment: environment.name,
      sha,
      taskId,
      status: 'building',
      port: undefined,
      pid: undefined,
      startedTick: undefined,
      dir: files,
      command,
      detail: undefined,
      liveAt: undefined,
    }
    await this.#options.store.save(row)
    let started: ReleaseRow | undefined
    try {
      await input.unpack(files)
      const equipped = await this.#equipped(row, input, settings)
      if (settings.build) await build(settings.build, files, equipped.command, signal)
      await this.#ports.open(equipped)
      const starting = { ...equipped, status: 'starting' as const }
      started = await this.#start(starting, settings.healthTimeoutSeconds, signal, (one) =>
        this.#options.store.save(one),
      )
      // Whoever lost the work in between changes nothing that people see.
      signal.throwIfAborted()
      mayAct()
      await this.#goLive(started, input.fence, 'warm')
    } catch (error) {
      // What nobody is sent to does not go on.
      const isLive = started !== undefined && (await this.#isLive(started))
      if (started && !isLive) await stopRow(started)
      // Stopped, or taken over: whoever goes on finds it unfinished, and begins anew.
      if (isLive || signal.aborted || error instanceof Lost || error instanceof Fenced) throw error
      await this.#options.store.save({
        ...row,
        status: 'failed',
        detail: error instanceof UserError ? error.message : 'an unexpected error',
      })
      throw error
    }
  }

  /** With the versions that its tests were proved with; what is not quite there stands in its log. */
  async #equipped(row: ReleaseRow, { tools }: Pick<ApplyInput, 'tools'>, settings: LocalSettings): Promise<ReleaseRow> {
    const { path, env, notes } = await tools([settings.build ?? '', settings.start])
    for (const note of notes) await appendFile(this.#logFile(row.id), `muster: ${note}\n`, { mode: 0o600 })
    return { ...row, command: { ...row.command, path, env: { ...env, ...row.command.env } } }
  }

  async restorable({ repository, name }: Environment): Promise<readonly Restorable[]> {
    const rows = await this.#options.store.list(repository, name)
    return byLastServed(rows)
      .filter((row) => row.status !== 'live' && existsSync(row.dir))
      .map(({ id, sha }) => ({ releaseId: id, sha }))
  }

  /** The one before is still warm: then people are only sent there. Else it is started from its files. */
  async restore({ environment, releaseId, signal, mayAct, fence }: RestoreInput): Promise<void> {
    const kept = await this.#options.store.get(releaseId)
    if (!kept || kept.liveAt === undefined || !existsSync(kept.dir))
      throw new UserError('nothing_kept', 'This release is not kept any more.')
    const { healthTimeoutSeconds, port } = localSettings(environment.settings)
    const row = { ...kept, command: { ...kept.command, publicPort: port } }
    // People reach it where they reach the one that is live.
    if (kept.command.publicPort !== port) await this.#options.store.save(row)
    await this.#ports.open(row)
    const serving = (await isWarm(row)) ? row : await this.#startAgain(row, healthTimeoutSeconds, signal)
    signal.throwIfAborted()
    mayAct()
    await this.#goLive(serving, fence, 'stopped')
  }

  /** Started from its files; what is written down of it stays what it is until it serves. */
  async #startAgain(row: ReleaseRow, healthSeconds: number, signal: AbortSignal): Promise<ReleaseRow> {
    // It may run, and not answer.
    await stopRow(row)
    const again = await this.#start(row, healthSeconds, signal)
    if (await this.#options.store.moved(again)) return again
    await stopRow(again)
    throw new UserError('changed', 'Somebody else has changed this release meanwhile.')
  }

  async #isLive({ id }: ReleaseRow): Promise<boolean> {
    return (await this.#options.store.get(id))?.status === 'live'
  }

  /** One after the other for each environment: what is written down of who is live, and who people are sent to. */
  #inTurn<T>({ repository, environment }: ReleaseRow, action: () => Promise<T>): Promise<T> {
    const key = `${repository} ${environment}`
    const turn = (this.#turns.get(key) ?? Promise.resolve()).then(action, action)
    this.#turns.set(key, turn)
    return turn
  }

  /** Finds the live releases again by pid and start time, and serves them; starts those that died. */
  async #adopt(): Promise<void> {
    await this.#ports.renew()
    for (const row of await this.#here()) {
      const newest = await this.#options.store.live(row.repository, row.environment)
      if (newest?.id !== row.id) {
        await this.#options.store.save({ ...row, status: 'retired' })
        await stopRow(row)
      } else await this.#stopStrays(row)
    }
    await this.#supervise()
    clearInterval(this.#timer)
    this.#timer = setInterval(() => {
      this.#supervising ??= this.#supervise()
        .catch((error: unknown) => this.#options.log('supervision failed', { error: String(error) }))
        .finally(() => (this.#supervising = undefined))
    }, SUPERVISE_MS)
    this.#timer.unref()
  }

  /** Whatever a process that ended in the middle left running: only what serves, and the one before it, go on. */
  async #stopStrays(live: ReleaseRow): Promise<void> {
    const rows = await this.#options.store.list(live.repository, live.environment)
    const [warm] = byLastServed(rows).filter(({ id, status }) => id !== live.id && status === 'retired')
    await Promise.all(rows.filter(({ id }) => id !== live.id && id !== warm?.id).map(stopRow))
  }

  /** Leads people to what is live and not served; a port that is taken is tried again the next time. */
  async #serve(rows: readonly ReleaseRow[]): Promise<void> {
    for (const row of await this.#ports.unserved(rows)) {
      try {
        // As it is written down by now, whatever the proxy knows.
        await this.#inTurn(row, async () => {
          if (await this.#isLive(row)) await this.#ports.route(row, true)
        })
      } catch (error) {
        this.#options.log('a live release cannot be served', { release: row.id, error: String(error) })
      }
    }
  }

  /** Supervises no more; what is deployed goes on being served, unless `stopReleases`. */
  async #close(stopReleases: boolean): Promise<void> {
    clearInterval(this.#timer)
    await this.#supervising
    await this.#ports.close(stopReleases)
    if (!stopReleases) return
    for (const row of await this.#here())
      await Promise.all((await this.#options.store.list(row.repository, row.environment)).map(stopRow))
  }

  /** The live releases whose files are on this machine. */
  async #here(): Promise<ReleaseRow[]> {
    return (await this.#options.store.allLive()).filter((row) => existsSync(row.dir))
  }

  #folder(id: string): string {
    return releaseFolder(this.#options.dir, id)
  }

  #logFile(id: string): string {
    return join(this.#folder(id), 'service.log')
  }

  /** An unfinished try of the same release leaves nothing that counts. */
  async #clear(id: string, files: string): Promise<void> {
    const row = await this.#options.store.get(id)
    if (row && row.status !== 'live') await stopRow(row)
    await rm(this.#folder(id), { recursive: true, force: true })
    await mkdir(files, { recursive: true })
  }

  /** @param note told of the process before it is healthy, for what must not be lost sight of */
  async #start(
    row: ReleaseRow,
    healthSeconds: number,
    signal?: AbortSignal,
    note: (row: ReleaseRow) => Promise<void> = () => Promise.resolve(),
  ): Promise<ReleaseRow> {
    const port = await freePort()
    const started = await startService(row.command.start, row.dir, this.#logFile(row.id), serviceEnv(port, row.command))
    const starting: ReleaseRow = { ...row, port, pid: started.pid, startedTick: started.tick }
    await note(starting)
    try {
      await untilHealthy(started, `http://127.0.0.1:${port}${row.command.health}`, healthSeconds, signal)
      return starting
    } catch (error) {
      await stopService(started, STOP_MS)
      throw error
    }
  }

  /** @param before what becomes of the one that was live: it stays warm, so that going back is a switch, or is stopped */
  async #goLive(row: ReleaseRow, fence: Fence, before: 'warm' | 'stopped'): Promise<void> {
    const { store } = this.#options
    const rows = await store.list(row.repository, row.environment)
    const old = rows.filter((other) => other.status === 'live' && other.id !== row.id)
    await this.#inTurn(row, () => this.#switchTo(row, fence, old))
    const others = rows.filter((other) => other.id !== row.id && (before === 'stopped' || !old.includes(other)))
    // It is live: whatever goes wrong with the others changes nothing of that.
    const tidied = this.#tidied(row, others).catch((error: unknown) =>
      this.#options.log('an old release could not be stopped', { error: String(error) }),
    )
    // Whoever goes back does not wait for what hangs in the release that got worse.
    if (before === 'warm') await tidied
  }

  async #tidied(live: ReleaseRow, others: readonly ReleaseRow[]): Promise<void> {
    await this.#ports
      .drain(live, DRAIN_MS)
      .catch((error: unknown) =>
        this.#options.log('nobody tells what is under way to the old release', { error: String(error) }),
      )
    await Promise.all(others.map((other) => this.#stopUnlessLive(other)))
    await this.#forgetOld(live)
  }

  /** Written down, then done: where people cannot be led there, what was live before is live. @throws Fenced */
  async #switchTo(row: ReleaseRow, fence: Fence, old: readonly ReleaseRow[]): Promise<void> {
    const { store, now } = this.#options
    // Whatever the clock says: it goes live after those that were live.
    const at = new Date(Math.max(now(), ...old.map(({ liveAt }) => (liveAt?.getTime() ?? 0) + 1)))
    await store.goLive(row, at, fence)
    const live = { ...row, status: 'live' as const, liveAt: at }
    try {
      const isOlder = await this.#ports.route(live)
      if (isOlder && !(await this.#isLive(row))) throw new Fenced('another release has gone live since')
      if (isOlder) await this.#ports.route(live, true)
    } catch (error) {
      if (error instanceof Fenced) throw error
      const [before] = old
      if (before) await store.goLive(before, new Date(at.getTime() + 1), fence)
      else await store.save({ ...live, status: 'retired' })
      throw error
    }
  }

  /** It may have been put back meanwhile. */
  async #stopUnlessLive(row: ReleaseRow): Promise<void> {
    if (!(await this.#isLive(row))) await stopRow(row)
  }

  /** Keeps what can be gone back to: the newest that have served. Of what failed, the newest, for its log. */
  async #forgetOld(row: ReleaseRow): Promise<void> {
    const rows = await this.#options.store.list(row.repository, row.environment)
    // By when they served last: what was put back is as new as it gets.
    const served = byLastServed(rows)
    const failed = rows.filter(({ liveAt }) => liveAt === undefined)
    for (const other of [...served.slice(KEEP_RELEASES), ...failed.slice(KEEP_FAILED)]) {
      if (other.status !== 'live') await rm(this.#folder(other.id), { recursive: true, force: true })
    }
  }

  /** Serves live releases, and restarts those that died, with growing pauses. */
  async #supervise(): Promise<void> {
    const rows = await this.#here()
    await this.#serve(rows).catch((error: unknown) =>
      this.#options.log('what is live cannot be served', { error: String(error) }),
    )
    for (const row of rows) {
      const newest = await this.#options.store.live(row.repository, row.environment)
      if (newest?.id !== row.id) continue
      const started = startedOf(row)
      const pause = this.#restarts.get(row.id) ?? { failures: 0, after: 0 }
      if (started && !isAlive(started) && Date.now() >= pause.after) await this.#restart(row, pause.failures)
      if (this.#options.now() - (row.liveAt?.getTime() ?? 0) > WARM_MS) await this.#cool(row)
    }
  }

  /** Nobody goes back by a switch after so long: what is kept warm is stopped, and stays to be started. */
  async #cool(live: ReleaseRow): Promise<void> {
    if (this.#cooled.has(live.id)) return
    this.#cooled.add(live.id)
    const rows = await this.#options.store.list(live.repository, live.environment)
    const others = rows.filter(({ id, status }) => id !== live.id && status === 'retired')
    await Promise.all(others.map((other) => this.#stopUnlessLive(other)))
  }

  async #restart(row: ReleaseRow, failures: number): Promise<void> {
    const { store, log } = this.#options
    log('a live release died; it is started again', { release: row.id })
    try {
      const again = await this.#start(row, RESTART_HEALTH_SECONDS)
      // Another release may have gone live meanwhile, or this one been taken back.
      const isStill = await this.#inTurn(row, async () => {
        const isMoved = await store.moved(again)
        if (isMoved) await this.#ports.route(again)
        return isMoved
      })
      if (!isStill) await stopRow(again)
      this.#restarts.delete(row.id)
    } catch (error) {
      this.#restarts.set(row.id, {
        failures: failures + 1,
        after: Date.now() + Math.min(MAX_RESTART_PAUSE_MS, 1000 * 2 ** (failures + 1)),
      })
      log('the release could not be started again', { release: row.id, error: String(error) })
    }
  }
}
