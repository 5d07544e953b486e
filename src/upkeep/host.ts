import { messageOf } from '../core/errors.ts'
import type { Claim, Leases } from '../leases/types.ts'
import type { Queue } from '../queue/types.ts'
import type { TargetHost } from '../releases/types.ts'
import type { Log } from '../telemetry/log.ts'
import { every } from './every.ts'

export interface HostDeps {
  readonly leases: Pick<Leases, 'acquire'>
  readonly queue: Pick<Queue, 'consume'>
  /** Of the targets that Muster serves itself; two of them may be served by one. */
  readonly hosts: readonly TargetHost[]
  readonly log: Log
  /** How many steps of SRE at once. */
  readonly places: number
}

const LOOK_MS = 1000

/**
 * One process looks after the releases of targets that Muster serves itself: whoever has the lease supervises the services and what passes
 * requests on to them, and works on SRE's steps. When it ends, all of that goes on, and the next one finds it and takes over.
 */
export function hostTargets({ leases, queue, hosts: all, log, places }: HostDeps) {
  const hosts = [...new Set(all)]
  let claim: Claim | undefined

  /** Given up at once, for whoever comes next; steps that still run end by their own leases. */
  async function lose(): Promise<void> {
    log.warn('another process looks after the releases now')
    void queue.consume('sre', 0).catch((error: unknown) => log.warn({ error: messageOf(error) }, 'queue'))
    try {
      await closeAll(hosts, false)
    } catch (error) {
      // A lease is lost where the database is away: what is written when a host is closed cannot be written then.
      log.warn({ error: messageOf(error) }, 'the releases were not given up properly')
    } finally {
      claim = undefined
    }
  }

  async function look(): Promise<void> {
    if (claim) return
    const got = await leases.acquire('target:local')
    if (!got) return
    try {
      for (const host of hosts) await host.adopt()
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
      await closeAll(hosts, stopReleases)
      await claim.release().catch(() => {})
    },
  }
}

/** One that cannot be closed keeps no other open. */
async function closeAll(hosts: readonly TargetHost[], stopReleases: boolean): Promise<void> {
  const closed = await Promise.allSettled(hosts.map((host) => host.close(stopReleases)))
  for (const one of closed) if (one.status === 'rejected') throw one.reason
}
