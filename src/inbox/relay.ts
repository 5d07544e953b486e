import { messageOf } from '../core/errors.ts'
import { FairShares } from '../core/fair.ts'
import type { Queue } from '../queue/types.ts'

/** What arrives within this time is handed to the queue in one go. */
const GATHER_MS = 3
const MOST = 500

interface Waiting {
  readonly eventId: string
  readonly account: string
  readonly lane: string
  readonly done: (queued: boolean) => void
}

/**
 * Hands stored events on to the queue, many at a time, a fair share of each account.
 * @returns whether the queue has the event; when it is out of reach, the sweeper finds the event
 */
export function arrivalRelay(
  queue: Pick<Queue, 'addMany'>,
  now: () => number,
  log: (level: 'warn', message: string, fields: Readonly<Record<string, unknown>>) => void,
): (eventId: string, place: { account?: string | undefined; lane?: string | undefined }) => Promise<boolean> {
  const shares = new FairShares()
  let waiting: Waiting[] = []
  let timer: NodeJS.Timeout | undefined

  function flush(): void {
    timer = undefined
    const batch = waiting.slice(0, MOST)
    waiting = waiting.slice(MOST)
    if (waiting.length > 0) timer = setTimeout(flush, 0)
    // Whoever works on a lane handles everything that waits in it: one job for the last of them is enough.
    const last = [...new Map(batch.map((one) => [one.lane, one])).values()]
    const jobs = last.map(({ eventId, account }) => ({
      job: { name: 'inbound', eventId } as const,
      priority: shares.rank(account, now()),
    }))
    void hand(jobs).then((queued) => batch.forEach((one) => one.done(queued)))
  }

  async function hand(jobs: Parameters<Queue['addMany']>[0]): Promise<boolean> {
    try {
      await queue.addMany(jobs)
      return true
    } catch (error) {
      log('warn', 'events are stored but could not be queued', { events: jobs.length, error: messageOf(error) })
      return false
    }
  }

  return (eventId, { account = '', lane = eventId }) =>
    new Promise((done) => {
      waiting.push({ eventId, account, lane, done })
      timer ??= setTimeout(flush, GATHER_MS)
    })
}
