import type { CatchUp, CatchUpStore, Tended } from '../channels/types.ts'
import { messageOf } from '../core/errors.ts'
import type { Leases } from '../leases/types.ts'
import type { Queue } from '../queue/types.ts'
import type { Store } from '../store/types.ts'
import type { Log } from '../telemetry/log.ts'
import { every, type Repeated } from './every.ts'

const PERIOD_MS = 5 * 60_000

export interface CatchUpDeps {
  readonly store: Pick<Store, 'now' | 'instance'>
  readonly queue: Pick<Queue, 'add'>
  readonly log: Log
  readonly leases: Pick<Leases, 'acquire'>
  /** Those that are connected now. */
  readonly channels: () => Promise<readonly CatchUp[]>
}

/**
 * At start and every few minutes, one process asks each channel for what was missed. A watermark in the database says until
 * when a channel is known to be complete; it moves on only after a look that worked.
 */
export function catchingUp({ store, queue, log, leases, channels }: CatchUpDeps): Repeated {
  const one = async (channel: CatchUp) => {
    const key = `watermark.${channel.source}`
    const now = store.now()
    const stored = await store.instance.get(key)
    const since = typeof stored === 'number' ? stored : now
    const { asked, found, cut } = await channel.run(since, now)
    for (const eventId of found) await queue.add({ name: 'inbound', eventId }).catch(() => {})
    await store.instance.set(key, now)
    if (asked > 0) log.info({ asked, channel: channel.source }, 'asked for deliveries that were missed')
    for (const what of cut)
      log.warn({ channel: channel.source, what }, 'more was missed than can be read: the rest stays unheard')
    if (found.length > 0)
      log.info({ found: found.length, channel: channel.source }, 'found what happened during a long absence')
  }
  return every(PERIOD_MS, 'catching up', log, async () => {
    const claim = await leases.acquire('catch-up')
    if (!claim) return
    try {
      for (const channel of await channels())
        await one(channel).catch((error: unknown) =>
          log.warn({ channel: channel.source, error: messageOf(error) }, 'what was missed could not be asked for'),
        )
    } finally {
      await claim.release()
    }
  })
}

/** How often what the vendors would let lapse is looked after: a suspended webhook is silent for a minute at most. */
const TEND_MS = 60_000

/** Whatever wants looking after. */
interface Tender {
  readonly source: string
  readonly channel: { readonly tend?: (now: number) => Promise<readonly Tended[]> }
}

/** One process keeps webhooks alive. What is wrong is logged once, not every minute; what was silent is caught up with at once. */
export function tend(
  channels: () => Promise<readonly Tender[]>,
  leases: Pick<Leases, 'acquire'>,
  log: Log,
  catchUp: () => Promise<void>,
  now: () => number,
): Repeated {
  const last = new Map<string, string>()
  return every(TEND_MS, 'looking after webhooks', log, async () => {
    const claim = await leases.acquire('tend-webhooks')
    if (!claim) return
    try {
      for (const { source: name, channel } of await channels()) {
        const text = ((await channel.tend?.(now())) ?? []).map((one) => one.text).join('; ')
        const isNew = text !== '' && text !== last.get(name)
        last.set(name, text)
        if (!isNew) continue
        log.warn({ channel: name }, text)
        await catchUp()
      }
    } finally {
      await claim.release()
    }
  })
}

/** The inbox as catching up sees it. */
export function catchUpStore({ inbox }: Pick<Store, 'inbox'>): CatchUpStore {
  return {
    isKnown: async (deliveryId) =>
      (await inbox.list({ source: 'github', deliveryId }, { limit: 1, cursor: undefined })).items.length > 0,
    has: inbox.has,
    insert: inbox.insert,
  }
}
