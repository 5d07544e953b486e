import type { Fence } from '../../leases/types.ts'
import { Fenced } from '../../store/types.ts'
import { besideOf, mustBeLive, withPercent } from '../shares.ts'
import type { ReleaseRow, TargetDeps } from '../types.ts'
import type { Ports } from './ports.ts'
import type { Releases } from './releases.ts'

const DRAIN_MS = 10_000

type Place = Pick<ReleaseRow, 'repository' | 'environment'>

/** Who is live: as it is written down, and as people are led. */
export class Serving {
  readonly #deps: Pick<TargetDeps, 'store' | 'now' | 'log'>
  readonly #ports: Ports
  readonly #releases: Releases
  readonly #turns = new Map<string, Promise<unknown>>()

  constructor(deps: Pick<TargetDeps, 'store' | 'now' | 'log'>, ports: Ports, releases: Releases) {
    this.#deps = deps
    this.#ports = ports
    this.#releases = releases
  }

  /** One after the other for each environment: what is written down of who is live, and who people are sent to. */
  #inTurn<T>({ repository, environment }: Place, action: () => Promise<T>): Promise<T> {
    const key = `${repository} ${environment}`
    const turn = (this.#turns.get(key) ?? Promise.resolve()).then(action, action)
    this.#turns.set(key, turn)
    return turn
  }

  /** @returns whether another one went live after it, which stays */
  async #route(row: ReleaseRow, isForced = false): Promise<boolean> {
    const beside = await besideOf(this.#deps.store, row)
    await this.#releases.lead(row, beside)
    const isOlder = await this.#ports.route(row, beside, isForced)
    if (!isOlder) return false
    const live = await this.#deps.store.live(row.repository, row.environment)
    if (live && live.id !== row.id) await this.#releases.lead(live, await besideOf(this.#deps.store, live))
    return true
  }

  /** @param before what becomes of the one that was live: it stays warm, so that going back is a switch, or is stopped */
  async goLive(row: ReleaseRow, fence: Fence, before: 'warm' | 'stopped'): Promise<void> {
    const rows = await this.#deps.store.list(row.repository, row.environment)
    const old = rows.filter((other) => other.status === 'live' && other.id !== row.id)
    await this.#inTurn(row, () => this.#switchTo(row, fence, old))
    const stays = new Set([row.id, row.command.share?.beside, ...(before === 'warm' ? old.map(({ id }) => id) : [])])
    const others = rows.filter(({ id }) => !stays.has(id))
    // It is live: whatever goes wrong with the others changes nothing of that.
    const tidied = this.#tidied(row, others).catch((error: unknown) =>
      this.#deps.log('an old release could not be stopped', { error: String(error) }),
    )
    // Whoever goes back does not wait for what hangs in the release that got worse.
    if (before === 'warm') await tidied
  }

  async #tidied(live: ReleaseRow, others: readonly ReleaseRow[]): Promise<void> {
    await this.#ports
      .drain(live, DRAIN_MS)
      .catch((error: unknown) =>
        this.#deps.log('nobody tells what is under way to the old release', { error: String(error) }),
      )
    await Promise.all(others.map((other) => this.#releases.stopUnlessLive(other)))
    await this.#releases.forgetOld(live)
  }

  /** Written down, then done: where people cannot be led there, what was live before is live. @throws Fenced */
  async #switchTo(row: ReleaseRow, fence: Fence, old: readonly ReleaseRow[]): Promise<void> {
    const { store, now } = this.#deps
    // Whatever the clock says: it goes live after those that were live.
    const at = new Date(Math.max(now(), ...old.map(({ liveAt }) => (liveAt?.getTime() ?? 0) + 1)))
    await store.goLive(row, at, fence)
    const live = { ...row, status: 'live' as const, liveAt: at }
    try {
      const isOlder = await this.#route(live)
      if (isOlder && !(await this.#releases.isLive(row))) throw new Fenced('another release has gone live since')
      if (isOlder) await this.#route(live, true)
    } catch (error) {
      if (error instanceof Fenced) throw error
      const [before] = old
      if (before) await store.goLive(before, new Date(at.getTime() + 1), fence)
      else await store.save({ ...live, status: 'retired' })
      throw error
    }
  }

  /** Gives what is live so many percent of the requests; from 100 on it has them all. @throws UserError where something else is live */
  async weigh({ repository, environment }: Place, id: string, percent: number, fence: Fence): Promise<void> {
    const { store, now } = this.#deps
    await this.#inTurn({ repository, environment }, async () => {
      // As it is by then: it may have been started again meanwhile.
      const live = mustBeLive(await store.live(repository, environment), id)
      const command = withPercent(live, percent, now())
      if (!command) return
      await store.reach(id, command, fence)
      await this.#route({ ...live, command })
    })
  }

  /** Another process of it serves, as far as it still does. @returns whether that is so */
  moved(again: ReleaseRow, live: ReleaseRow): Promise<boolean> {
    const { store } = this.#deps
    return this.#inTurn(again, async () => {
      if (!(await store.moved(again))) return false
      const now = await store.get(live.id)
      if (now?.status === 'live') await this.#route(now)
      return true
    })
  }

  /** Leads people to what is live and not served; a port that is taken is tried again the next time. */
  async serve(rows: readonly ReleaseRow[]): Promise<void> {
    const meant = await Promise.all(rows.map(async (row) => ({ row, beside: await besideOf(this.#deps.store, row) })))
    for (const row of await this.#ports.unserved(meant)) {
      try {
        // As it is written down by now, whatever the proxy knows.
        await this.#inTurn(row, async () => {
          const now = await this.#deps.store.get(row.id)
          if (now?.status === 'live') await this.#route(now, true)
        })
      } catch (error) {
        this.#deps.log('a live release cannot be served', { release: row.id, error: String(error) })
      }
    }
  }
}
