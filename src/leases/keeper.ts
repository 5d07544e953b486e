import { messageOf } from '../core/errors.ts'
import type { Fence, LeaseStore, ProcessStore } from './types.ts'
import { hostName, isDead, processName } from '../telemetry/process.ts'
import { type Claim, type Leases, Lost } from './types.ts'

export interface KeeperDeps {
  readonly store: { readonly leases: LeaseStore; readonly processes: ProcessStore }
  readonly kind: string
  readonly version: string
  /** How long a lease holds without being prolonged. */
  readonly ttlMs: number
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields?: Readonly<Record<string, unknown>>) => void
}

/** Leases are prolonged three times within their life. */
const RENEWALS = 3
/** Margin of `isMine`, for what lies between the look and the write. */
const SAFETY = 0.85
const BEAT_MS = 5000
const GIVE_BACK_MS = 500
const DEAD_CACHE_MS = 1000

interface Held {
  readonly fence: Fence
  readonly controller: AbortController
  /** When the database was last asked, by the monotonic clock. */
  renewedAt: number
}

const keyOf = ({ table, name, token }: Fence) => `${table} ${name} ${token}`

export function leaseKeeper(deps: KeeperDeps): Leases {
  return new LeaseKeeper(deps)
}

class LeaseKeeper implements Leases {
  readonly holder = processName()
  readonly ttlMs: number
  readonly #deps: KeeperDeps
  readonly #held = new Map<string, Held>()
  readonly #timers: NodeJS.Timeout[] = []
  #known: { at: number; dead: readonly string[] } = { at: Number.NEGATIVE_INFINITY, dead: [] }
  #renewing = false

  constructor(deps: KeeperDeps) {
    this.#deps = deps
    this.ttlMs = deps.ttlMs
  }

  async acquire(name: string, below?: number): Promise<Claim | undefined> {
    const { leases } = this.#deps.store
    const since = performance.now()
    let got = await leases.acquire(name, this.holder, this.ttlMs, await this.dead(), below)
    if (!got) {
      const other = await leases.holder(name)
      if (other === undefined || isDead(other, 0))
        got = await leases.acquire(name, this.holder, this.ttlMs, other === undefined ? [] : [other], below)
    }
    return got && this.#hold({ table: 'lease', name, token: got.token }, got.crashes, since)
  }

  keep(fence: Fence, crashes = 0): Claim {
    return this.#hold(fence, crashes, performance.now())
  }

  async dead(): Promise<readonly string[]> {
    if (performance.now() - this.#known.at >= DEAD_CACHE_MS) await this.#look()
    return this.#known.dead
  }

  async #look(): Promise<void> {
    const rows = await this.#deps.store.processes.list()
    const dead = rows.filter((row) => row.id !== this.holder && isDead(row.id, row.silentMs))
    this.#known = { at: performance.now(), dead: dead.map((row) => row.id) }
  }

  async start(): Promise<void> {
    const { store, kind, version } = this.#deps
    const beat = () => store.processes.beat({ id: this.holder, host: hostName(), kind, version })
    await beat()
    this.#timers.push(
      setInterval(() => void this.#renew(), this.ttlMs / RENEWALS),
      setInterval(() => void beat().catch(() => {}), BEAT_MS),
    )
    for (const timer of this.#timers) timer.unref()
  }

  async stop(): Promise<void> {
    const { store } = this.#deps
    for (const timer of this.#timers) clearInterval(timer)
    await Promise.allSettled([...this.#held.values()].map((one) => store.leases.release(one.fence)))
    this.#held.clear()
    await store.processes.leave(this.holder).catch(() => {})
  }

  #hold(fence: Fence, crashes: number, since: number): Claim {
    const one: Held = { fence, controller: new AbortController(), renewedAt: since }
    const key = keyOf(fence)
    this.#held.set(key, one)
    let counted = crashes > 0
    return {
      fence,
      crashes,
      signal: one.controller.signal,
      isMine: () => !one.controller.signal.aborted && performance.now() - one.renewedAt < this.ttlMs * SAFETY,
      release: async () => {
        if (this.#held.delete(key)) await this.#giveBack(fence)
      },
      postpone: async () => {
        if (this.#held.delete(key)) await this.#deps.store.leases.postpone(fence)
      },
      progressed: async () => {
        if (counted) await this.#deps.store.leases.forgive(fence)
        counted = false
      },
      drop: () => void this.#held.delete(key),
    }
  }

  /** A lease that cannot be given back now (the database restarts) is given back as soon as that works: others wait for it. */
  async #giveBack(fence: Fence): Promise<void> {
    const until = performance.now() + this.ttlMs
    const attempt = async (): Promise<void> => {
      try {
        await this.#deps.store.leases.release(fence)
      } catch {
        if (performance.now() < until) setTimeout(() => void attempt(), GIVE_BACK_MS).unref()
      }
    }
    await attempt()
  }

  async #renew(): Promise<void> {
    // Also while an answer is still awaited: what has run out by our own clock is not ours any more.
    for (const one of this.#held.values()) if (performance.now() - one.renewedAt > this.ttlMs) this.#lose(one)
    if (this.#renewing || this.#held.size === 0) return
    this.#renewing = true
    const asked = performance.now()
    const mine = [...this.#held.values()]
    try {
      const fences = mine.map((one) => one.fence)
      const kept = new Set((await this.#deps.store.leases.renew(fences, this.ttlMs)).map(keyOf))
      for (const one of mine) {
        if (kept.has(keyOf(one.fence))) one.renewedAt = asked
        else this.#lose(one)
      }
    } catch (error) {
      this.#deps.log('warn', 'leases could not be prolonged', { error: messageOf(error), held: mine.length })
      for (const one of mine) if (performance.now() - one.renewedAt > this.ttlMs) this.#lose(one)
    } finally {
      this.#renewing = false
    }
  }

  /** Somebody else may have it by now; what was given back meanwhile is no loss. */
  #lose(one: Held): void {
    if (this.#held.delete(keyOf(one.fence))) one.controller.abort(new Lost(`the lease of ${one.fence.name} ran out`))
  }
}
