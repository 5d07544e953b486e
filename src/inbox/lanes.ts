import { HOLDS_UP } from '../core/inbound.ts'
import type { Claim, Leases } from '../leases/types.ts'
import type { Store, StoredInbound } from '../store/types.ts'

/**
 * One conversation is one lane: whoever has its lease handles everything that waits in it, in the order it came. Whoever
 * comes while somebody has it goes away: the holder looks once more after giving it back.
 */

const BATCH = 20

export interface LaneDeps {
  readonly store: Pick<Store, 'inbox' | 'conversations'>
  readonly leases: Pick<Leases, 'acquire'>
  readonly now: () => number
}

/** @param handle handles one event; an error it throws leaves the lane for now */
export async function drainLane(
  deps: LaneDeps,
  key: string,
  handle: (stored: StoredInbound, claim: Claim) => Promise<void>,
): Promise<void> {
  for (;;) {
    const places = await deps.store.conversations.places(key)
    const claim = await deps.leases.acquire(`lane:${places[0] ?? key}`)
    if (!claim) return
    try {
      await drain(deps, places, claim, handle)
    } finally {
      await claim.release().catch(() => {})
    }
    if (!(await hasMore(deps, places))) return
  }
}

async function drain(
  deps: LaneDeps,
  places: readonly string[],
  claim: Claim,
  handle: (stored: StoredInbound, claim: Claim) => Promise<void>,
): Promise<void> {
  for (;;) {
    const waiting = await deps.store.inbox.waiting(places, BATCH)
    let handled = 0
    for (const stored of waiting) {
      const wait = waits(stored, deps.now())
      if (wait === 'hold') return
      if (wait === 'skip') continue
      if (!claim.isMine()) return
      await handle(stored, claim)
      handled++
    }
    if (handled === 0 || waiting.length < BATCH) return
  }
}

/** An event whose retry is not due yet holds up those behind it for a while, so that they stay in order. */
function waits({ retryAt, attempts }: StoredInbound, now: number): 'no' | 'hold' | 'skip' {
  if (!retryAt || retryAt.getTime() <= now) return 'no'
  return attempts <= HOLDS_UP ? 'hold' : 'skip'
}

async function hasMore(deps: LaneDeps, places: readonly string[]): Promise<boolean> {
  const [stored] = await deps.store.inbox.waiting(places, 1)
  return stored !== undefined && waits(stored, deps.now()) === 'no'
}
