import type { ReleaseRow, TargetDeps } from '../types.ts'
import type { Ports } from './ports.ts'
import { byLastServed } from '../rows.ts'
import { besideOf } from '../shares.ts'
import type { Releases } from './releases.ts'
import type { Serving } from './serving.ts'

const SUPERVISE_MS = 2_000
const MAX_RESTART_PAUSE_MS = 60_000
const RESTART_HEALTH_SECONDS = 30
/** How long the release before stays warm. */
const WARM_MS = 3_600_000

/** Keeps up what serves: found again after a restart of Muster, started again where it died. */
export class Supervisor {
  readonly #deps: Pick<TargetDeps, 'store' | 'now' | 'log'>
  readonly #ports: Ports
  readonly #releases: Releases
  readonly #serving: Serving
  readonly #restarts = new Map<string, { failures: number; after: number }>()
  /** Live releases beside which nothing is warm any more. */
  readonly #cooled = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #supervising: Promise<void> | undefined

  constructor(
    deps: Pick<TargetDeps, 'store' | 'now' | 'log'>,
    parts: { readonly ports: Ports; readonly releases: Releases; readonly serving: Serving },
  ) {
    this.#deps = deps
    this.#ports = parts.ports
    this.#releases = parts.releases
    this.#serving = parts.serving
  }

  /** Finds the live releases again, and serves them; starts those that died. */
  async adopt(): Promise<void> {
    const { store, log } = this.#deps
    await this.#ports.renew()
    for (const row of await this.#releases.here()) {
      const newest = await store.live(row.repository, row.environment)
      if (newest?.id !== row.id) {
        await store.save({ ...row, status: 'retired' })
        await this.#releases.stop(row)
      } else await this.#stopStrays(row)
    }
    await this.#supervise()
    clearInterval(this.#timer)
    this.#timer = setInterval(() => {
      this.#supervising ??= this.#supervise()
        .catch((error: unknown) => log('supervision failed', { error: String(error) }))
        .finally(() => (this.#supervising = undefined))
    }, SUPERVISE_MS)
    this.#timer.unref()
  }

  /** Supervises no more; what is deployed goes on being served, unless `stopReleases`. */
  async close(stopReleases: boolean): Promise<void> {
    clearInterval(this.#timer)
    await this.#supervising
    await this.#ports.close(stopReleases)
    if (!stopReleases) return
    for (const { repository, environment } of await this.#releases.here()) {
      const rows = await this.#deps.store.list(repository, environment)
      await Promise.all(rows.map((row) => this.#releases.stop(row)))
    }
  }

  /** Whatever a process that ended in the middle left running: only what serves, and the one before it, go on. */
  async #stopStrays(live: ReleaseRow): Promise<void> {
    const rows = await this.#deps.store.list(live.repository, live.environment)
    const [warm] = byLastServed(rows).filter(({ id, status }) => id !== live.id && status === 'retired')
    const stay = new Set([live.id, warm?.id, live.command.share?.beside])
    for (const row of rows.filter(({ id }) => !stay.has(id)))
      await this.#releases
        .stop(row)
        .catch((error: unknown) =>
          this.#deps.log('a release could not be stopped', { release: row.id, error: String(error) }),
        )
  }

  /** Serves live releases, and restarts those that died, with growing pauses. */
  async #supervise(): Promise<void> {
    const { store, now, log } = this.#deps
    const rows = await this.#releases.here()
    await this.#serving
      .serve(rows)
      .catch((error: unknown) => log('what is live cannot be served', { error: String(error) }))
    for (const row of rows) {
      const newest = await store.live(row.repository, row.environment)
      if (newest?.id !== row.id) continue
      const beside = await besideOf(store, row)
      // What is wrong with one is no reason to leave the others.
      for (const one of beside ? [row, beside] : [row])
        await this.#keepUp(one, row).catch((error: unknown) =>
          log('a release cannot be supervised', { release: one.id, error: String(error) }),
        )
      const wholeAt = Math.max(row.liveAt?.getTime() ?? 0, row.command.wholeAt ?? 0)
      if (!beside && now() - wholeAt > WARM_MS) await this.#cool(row)
    }
  }

  async #keepUp(row: ReleaseRow, live: ReleaseRow): Promise<void> {
    const pause = this.#restarts.get(row.id) ?? { failures: 0, after: 0 }
    if (row.port === undefined || Date.now() < pause.after || (await this.#releases.isAlive(row))) return
    await this.#restart(row, live, pause.failures)
  }

  /** Nobody goes back by a switch after so long: what is kept warm is stopped, and stays to be started. */
  async #cool(live: ReleaseRow): Promise<void> {
    if (this.#cooled.has(live.id)) return
    this.#cooled.add(live.id)
    const rows = await this.#deps.store.list(live.repository, live.environment)
    const others = rows.filter(({ id, status }) => id !== live.id && status === 'retired')
    await Promise.all(others.map((other) => this.#releases.stopUnlessLive(other)))
  }

  async #restart(row: ReleaseRow, live: ReleaseRow, failures: number): Promise<void> {
    const { log } = this.#deps
    log('a live release died; it is started again', { release: row.id })
    try {
      await this.#releases.alone(row, async (now = row) => {
        // Whoever goes back to it may have started it.
        if (await this.#releases.isAlive(now)) return
        const again = await this.#releases.start(now, RESTART_HEALTH_SECONDS)
        await this.#releases
          .noteRestart(now, this.#deps.now())
          .catch((error: unknown) => log('a restart could not be noted', { release: row.id, error: String(error) }))
        // Another release may have gone live meanwhile, or this one been taken back.
        if (!(await this.#serving.moved(again, live))) await this.#releases.stop(again)
      })
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
