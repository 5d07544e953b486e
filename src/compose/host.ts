import { messageOf } from '../core/errors.ts'
import type { Claim, Leases } from '../leases/types.ts'
import type { Queue } from '../queue/types.ts'
import type { LocalTarget } from '../releases/local/target.ts'
import type { Log } from '../telemetry/log.ts'
import { every } from '../upkeep/every.ts'

export interface HostDeps {
  readonly leases: Pick<Leases, 'acquire'>
  readonly queue: Pick<Queue, 'consume'>
  readonly target: LocalTarget
  readonly log: Log
  /** How many steps of SRE at once. */
  readonly places: number
}

const LOOK_MS = 1000

/**
 * One process serves the releases on this machine: whoever has the lease runs the proxies, supervises the services and works
 * on SRE's steps. When it ends, the next one finds the services still running and takes them over.
 */
export function hostTarget({ leases, queue, target, log, places }: HostDeps) {
  let claim: Claim | undefined

  /** The ports are given up at once, for whoever comes next; steps that still run end by their own leases. */
  async function lose(): Promise<void> {
    log.warn('another process serves the releases now')
    try {
      await target.close(false)
      void queue.consume('sre', 0).catch((error: unknown) => log.warn({ error: messageOf(error) }, 'queue'))
    } finally {
      claim = undefined
    }
  }

  async function look(): Promise<void> {
    if (claim) return
    const got = await leases.acquire('target:local')
    if (!got) return
    try {
      await target.adopt()
      claim = got
      got.signal.addEventListener('abort', () => void lose(), { once: true })
      await queue.consume('sre', places)
    } catch (error) {
      claim = undefined
      await got.release()
      throw error
    }
  }

  const looking = every(LOOK_MS, 'the releases cannot be served', log, look)
  return {
    now: looking.now,
    async stop(stopReleases: boolean): Promise<void> {
      looking.stop()
      if (!claim) return
      await target.close(stopReleases)
      await claim.release().catch(() => {})
    },
  }
}
