import type { FastifyRequest } from 'fastify'
import type { Verifier } from '../channels/types.ts'
import type { ChannelName } from '../core/said.ts'
import type { Exported, Store, Verdict } from '../store/types.ts'
import type { OutcomeRow, UsageRow } from '../store/usage/types.ts'

/** One thing that must work for this process to work. */
export interface Readiness {
  readonly name: string
  readonly ok: boolean
  /** Without it this process is not ready; the others are told only. */
  readonly required: boolean
  readonly detail: string
}

/** Who sends webhooks. */
export type WebhookSource = 'github' | ChannelName

/** What the HTTP side needs of the rest. */
export interface HttpDeps {
  readonly store: Store
  /** Undefined while a channel is not set up. */
  readonly verifier: (source: WebhookSource) => Verifier | undefined
  /** Hands a stored event on. @returns whether it could be queued now */
  readonly onArrival: (
    eventId: string,
    place: { account?: string | undefined; lane?: string | undefined },
  ) => Promise<boolean>
  readonly startTask: (
    owner: string,
    name: string,
    issue: number,
    request: string,
  ) => Promise<{ eventId: string } | undefined>
  /** Lets the outbox look for work now. */
  readonly wake: () => void
  /** Replays a task's history and compares it. */
  readonly verify: (exported: Exported) => Verdict
  /** The embedded database as one file; undefined for a server. */
  readonly dump: (() => Promise<Blob>) | undefined
  readonly releaseLog: (id: string) => Promise<string>
  readonly readiness: () => Promise<Readiness[]>
  /** Any of them counts; none: the API answers this machine alone. */
  readonly apiTokens: readonly string[]
  readonly publicUrl: string
  /** Undefined: no app is set up for installing. */
  readonly installing:
    | {
        readonly secretKey: string
        readonly isSetUp: (channel: ChannelName) => boolean
        readonly forget: (channel: ChannelName, account: string) => Promise<boolean>
      }
    | undefined
  /** What models were asked since a time (ms), what came of it, and what it would have cost with one model alone, the dearest first. */
  readonly usage: (since: number) => Promise<{
    readonly turns: readonly UsageRow[]
    readonly outcomes: readonly OutcomeRow[]
    readonly repriced: readonly { readonly provider: string; readonly model: string; readonly usd: number }[]
  }>
  readonly version: string
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields?: Readonly<Record<string, unknown>>) => void
}

/** What a proxy adds: then the request comes from elsewhere, whatever its address says. */
const PROXY_HEADERS = ['x-forwarded-for', 'x-forwarded-host', 'forwarded', 'x-real-ip', 'via'] as const

/** The request comes from this machine itself: by its address, through no proxy, and for a name of this machine (a page elsewhere could point its own name here). */
export function isLocal(request: Pick<FastifyRequest, 'headers' | 'socket'>): boolean {
  const named = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(request.headers.host ?? '')
  return (
    named &&
    isLoopback(request.socket.remoteAddress) &&
    !PROXY_HEADERS.some((name) => request.headers[name] !== undefined)
  )
}

function isLoopback(address: string | undefined): boolean {
  return address === '127.0.0.1' || address === '::1' || address === '::ffff:127.0.0.1'
}
