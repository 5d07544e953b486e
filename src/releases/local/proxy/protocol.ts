import { join } from 'node:path'
import { z } from 'zod'
import { FAILURES, type Sample } from '../../../core/traffic.ts'

/** What the process that has the ports is asked, by the one that deploys: one operation each, JSON over this machine's own address. */

const port = z.int().min(1).max(65535)
/** Which environment of which repository. */
const place = { repository: z.string(), environment: z.string() }
/** Where it is reached. */
const listener = { host: z.string(), port }
/** The clock that whoever reads the counts goes by, ms since the epoch. */
const now = z.number()
const nothing = z.strictObject({})

/** Whom the requests of an environment are passed on to. */
export const Route = z.strictObject({
  ...place,
  ...listener,
  sha: z.string(),
  /** The release's own port on this machine. */
  upstream: port,
  /** When it went live, ms since the epoch: a route is never replaced by an older one. */
  since: z.number(),
  /** While it has a share of the requests alone: so many percent, each by chance; and who has the rest. */
  /** Who answers says by which release (`muster-release`), and that one it is counted for. */
  tells: z.boolean().optional(),
  beside: z.strictObject({ sha: z.string(), upstream: port, percent: z.number().min(0).max(100) }).optional(),
})
export type Route = z.infer<typeof Route>

export const SampleSchema = z.object({
  at: z.number(),
  requests: z.number(),
  errors: z.number(),
  latency: z.record(z.string(), z.number()),
  failures: z.partialRecord(z.enum(FAILURES), z.number()).optional(),
}) satisfies z.ZodType<Sample>

/** What was counted for one release. */
const Counted = z.object({ ...place, sha: z.string(), samples: z.array(SampleSchema) })
export type Counted = z.infer<typeof Counted>

/** All that one process has counted: `given` was handed over and is not acknowledged, `open` was not handed over yet. */
export const Whole = z.object({
  /** How far the reader's clock is ahead of this machine's, ms. */
  ahead: z.number(),
  /** Nothing is counted in a second before that any more: it was handed over. ms since the epoch */
  from: z.number(),
  batch: z.number(),
  given: z.array(Counted),
  open: z.array(Counted),
})
export type Whole = z.infer<typeof Whole>

/** One environment as it stands: where it listens, and to whom it passes requests on. */
const Standing = z.object({
  ...place,
  listeners: z.array(z.object(listener)),
  route: Route.optional(),
})
export type Standing = z.infer<typeof Standing>

/** What came of opening a port. `code`: what the system says where it is not open. */
const Opened = z.object({ isOpen: z.boolean(), code: z.string().optional() })
export type Opened = z.infer<typeof Opened>

/** Every operation: what is asked, and what is answered. */
export const PROTOCOL = {
  /** What there is. `revision`: of which program, and which Node. */
  state: { ask: nothing, answer: z.object({ revision: z.string(), environments: z.array(Standing) }) },
  /** Opens the port of an environment; nothing changes where it is open. */
  open: { ask: z.strictObject({ ...place, ...listener }), answer: Opened },
  /** Passes requests on to a release from now on. `isOlder`: another one went live after it, and stays, unless `isForced`. */
  route: {
    ask: z.strictObject({ route: Route, now, isForced: z.boolean().optional() }),
    answer: Opened.extend({ isOlder: z.boolean() }),
  },
  /** Waits until no request is under way to what was live before, for so long at most. */
  drain: { ask: z.strictObject({ ...place, ms: z.number() }), answer: nothing },
  /** What was counted since the batch that is acknowledged; seconds that are not over yet only where `isLast`. */
  take: {
    ask: z.strictObject({ acknowledged: z.number(), now, isLast: z.boolean().optional() }),
    answer: z.object({ batch: z.number(), counted: z.array(Counted) }),
  },
  /** Another program takes over all ports; no connection is refused meanwhile. */
  handover: { ask: z.strictObject({ node: z.string(), program: z.string() }), answer: z.object({ pid: z.number() }) },
  /** Closes everything and ends. */
  stop: { ask: nothing, answer: nothing },
} as const
export type Operation = keyof typeof PROTOCOL
export type Ask<O extends Operation> = z.infer<(typeof PROTOCOL)[O]['ask']>
export type Answer<O extends Operation> = z.infer<(typeof PROTOCOL)[O]['answer']>

/** Carries them out. */
export type Operations = { readonly [O in Operation]: (ask: Ask<O>) => Promise<Answer<O>> }

/** Where the process that has the ports says how it is asked. @param releases the folder of the releases */
export function noteFile(releases: string): string {
  return join(releases, 'proxy.json')
}
