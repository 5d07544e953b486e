import { z } from 'zod'

/** Histories, as the API tells them: of tasks and of environments. */

export const HistoryOut = z
  .object({
    seq: z.number(),
    type: z.string(),
    at: z.string(),
    actor: z.string().nullable(),
    reason: z.string().nullable(),
    hash: z.string().nullable(),
    data: z.unknown(),
  })
  .meta({ id: 'HistoryEvent' })

export const VerdictOut = z.object({
  ok: z.boolean(),
  problems: z.array(z.string()),
  events: z.number(),
  unchained: z.number(),
})

interface Recorded {
  readonly seq: number
  readonly at: Date
  readonly actor: string | undefined
  readonly reason: string | undefined
  readonly hash: string | undefined
  readonly event: { readonly type: string }
}

/** One event. */
export function historyOut({ seq, at, actor, reason, hash, event }: Recorded): z.infer<typeof HistoryOut> {
  const { type, ...data } = event
  const [who, why, chained] = [actor ?? null, reason ?? null, hash ?? null]
  return { seq, type, at: at.toISOString(), actor: who, reason: why, hash: chained, data }
}
