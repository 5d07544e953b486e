import { messageOf } from '../core/errors.ts'
import { type Claim, type Leases, Lost } from '../leases/types.ts'
import { Fenced, LANE_BATCH, type LaneClaim, type StoredEffect } from '../store/types.ts'
import { Accounts } from './accounts.ts'
import { deliver, type DeliverDeps } from './deliver.ts'
import { dueAt } from './lanes.ts'
import type { Limiter } from './limiter.ts'

/** So many lanes at once in one process, and so many taken at a time. */
const CAPACITY = 32
const TAKE = 16
/** What is committed within this time is looked for once. */
const GATHER_MS = 5
const POLL_MS = 1000
const TROUBLE_MS = 5000

export interface OutboxDeps extends Omit<DeliverDeps, 'pausedMs' | 'onAskedToWait'> {
  readonly leases: Pick<Leases, 'holder' | 'ttlMs' | 'dead' | 'keep'>
  readonly limiter: Limiter
  /** How much of one account may be under way at once in this process; undefined: whatever there is place for. */
  readonly perAccount: number | undefined
}

/** Durable out: every effect is seen outside exactly once, in order within its lane, whichever process sends it. */
export interface Outbox {
  /** Looks for work now rather than at the next poll. */
  kick(): void
  start(): void
  /** Finishes what is being sent, and sends no more. */
  stop(): Promise<void>
}

export function createOutbox(deps: OutboxDeps): Outbox {
  const { perAccount = CAPACITY } = deps
  const accounts = new Accounts(deps.now, perAccount)
  const sending = new Set<Promise<void>>()
  let timer: NodeJS.Timeout | undefined
  let state: 'idle' | 'looking' | 'again' | 'stopped' = 'stopped'
  const current = (): typeof state => state

  function kick(): void {
    if (state === 'looking') state = 'again'
    if (state !== 'idle') return
    state = 'looking'
    clearTimeout(timer)
    setTimeout(() => void look(), GATHER_MS)
  }

  async function look(): Promise<void> {
    let more = false
    try {
      more = await takeSome()
    } catch (error) {
      deps.log('error', 'the outbox cannot be read', { error: messageOf(error) })
    }
    if (current() === 'stopped') return
    const again = more || current() === 'again'
    state = 'idle'
    if (again) return kick()
    timer = setTimeout(kick, pollIn())
  }

  function pollIn(): number {
    const next = accounts.next()
    return Math.max(20, Math.min(POLL_MS, next === undefined ? POLL_MS : next - deps.now()))
  }

  /** @returns whether there may be more */
  async function takeSome(): Promise<boolean> {
    const limit = Math.min(TAKE, CAPACITY - sending.size)
    if (limit <= 0) return false
    const { holder, ttlMs } = deps.leases
    const dead = await deps.leases.dead()
    const without = accounts.waiting()
    const now = new Date(deps.now())
    const claims = await deps.store.effects.claim({ holder, dead, without, perAccount, limit, ttlMs, now })
    for (const lane of claims) dispatch(lane)
    return claims.length === limit
  }

  function dispatch(lane: LaneClaim): void {
    const claim = deps.leases.keep({ table: 'effect_lane', name: lane.name, token: lane.token })
    accounts.enter(lane.account)
    const sent = workLane({ ...deps, accounts }, lane, claim)
      .catch(async (error: unknown) => {
        if (error instanceof Fenced || error instanceof Lost) return
        deps.log('error', 'a lane of the outbox could not be worked on', { lane: lane.name, error: messageOf(error) })
        accounts.pause(lane.account, deps.now() + TROUBLE_MS)
        await claim.release().catch(() => {})
      })
      .finally(() => {
        claim.drop()
        accounts.leave(lane.account)
        sending.delete(sent)
        kick()
      })
    sending.add(sent)
  }

  return {
    kick,
    start() {
      state = 'idle'
      kick()
    },
    async stop() {
      state = 'stopped'
      clearTimeout(timer)
      await Promise.allSettled(sending)
    },
  }
}

type LaneDeps = OutboxDeps & { readonly accounts: Accounts }

/** Sends what is due in a lane, one after the other, until nothing is or something has to wait; then leaves it. */
async function workLane(deps: LaneDeps, lane: LaneClaim, claim: Claim): Promise<void> {
  let { bumps } = lane
  let effects = [...lane.effects]
  let full = effects.length >= LANE_BATCH
  for (;;) {
    // Somebody else may have emptied and left it: then nothing here would ever tell.
    if (!claim.isMine()) throw new Lost(`the lane ${lane.name} may belong to somebody else by now`)
    const wait = await step(deps, { ...lane, bumps }, effects, full, claim)
    if (wait === 'left') return
    if (wait === 'next') {
      effects.shift()
      if (effects.length > 0 || !full) continue
    } else if (wait !== 'changed' && (await deps.store.effects.leave({ ...lane, bumps }, wait))) return
    // Something was added meanwhile, or postponed, or all that was read is sent.
    const fresh = await deps.store.effects.lane(lane.name)
    bumps = fresh.bumps
    effects = fresh.effects
    full = effects.length >= LANE_BATCH
  }
}

/** One effect. @returns `next` when it is settled, `left` when the lane is given back with it, `changed` when it has to be read again, or when the lane is due again (undefined: when something is added) */
async function step(
  deps: LaneDeps,
  lane: LaneClaim,
  effects: readonly StoredEffect[],
  full: boolean,
  claim: Claim,
): Promise<'next' | 'left' | 'changed' | Date | undefined> {
  const { account } = lane
  const [head] = effects
  if (!head) return undefined
  const due = dueAt(head)
  if (due > deps.now()) return new Date(due)
  const wait =
    deps.accounts.begin(account) || (await deps.limiter.take(account, deps.sender.costOf(head.body, head.result)))
  if (wait > 0) {
    deps.accounts.pause(account, deps.now() + wait)
    return new Date(deps.now() + wait)
  }
  const pausedMs = () => deps.accounts.pausedMs(account)
  const onAskedToWait = (_effect: StoredEffect, ms: number) => deps.accounts.block(account, deps.now() + ms)
  const last = effects.length === 1 && !full ? lane : undefined
  const outcome = await deliver({ ...deps, pausedMs, onAskedToWait }, head, claim, last)
  if (outcome.kind !== 'again') {
    deps.accounts.worked(account)
    return outcome.kind === 'left' ? 'left' : 'next'
  }
  await onTrouble(deps, account, outcome.error)
  return 'changed'
}

/** The provider asked to wait, or does not answer: its account rests, the others go on. */
async function onTrouble(
  { accounts, limiter, now, log }: LaneDeps,
  account: string,
  error: { kind: string; retryAfterMs: number | undefined },
): Promise<void> {
  if (error.retryAfterMs !== undefined) return limiter.block(account, now() + error.retryAfterMs)
  if (error.kind === 'unknown' && accounts.broke(account))
    log('warn', 'the provider is left alone for a while', { account })
}
