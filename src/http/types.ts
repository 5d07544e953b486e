import type { Verifier } from '../channels/types.ts'
import type { Store } from '../store/types.ts'

/** One thing that must work for this process to work. */
export interface Readiness {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
}

/** What the HTTP side needs of the rest. */
export interface HttpDeps {
  readonly store: Store
  /** Undefined while no GitHub App is set up. */
  readonly verifier: () => Verifier | undefined
  readonly onArrival: (eventId: string) => Promise<void>
  readonly startTask: (
    owner: string,
    name: string,
    issue: number,
    request: string,
  ) => Promise<{ eventId: string } | undefined>
  readonly releaseLog: (id: string) => Promise<string>
  readonly readiness: () => Promise<Readiness[]>
  readonly apiToken: string | undefined
  readonly version: string
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields?: Readonly<Record<string, unknown>>) => void
}

/** The request comes from this machine itself. */
export function isLoopback(address: string | undefined): boolean {
  return address === '127.0.0.1' || address === '::1' || address === '::ffff:127.0.0.1'
}
