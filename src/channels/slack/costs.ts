import type { EffectBody, EffectResult } from '../../core/effects.ts'
import type { Cost, Limits } from '../../core/rate.ts'
import { countParts } from '../messages.ts'
import { sizeOf } from './render.ts'

/** What can be looked up: what stands in a thread under a marker. A picture is looked up by its name, when it is sent; the rest does no harm when it is there twice. */
export const MARKED: ReadonlySet<string> = new Set(['card.upsert', 'message', 'message.upsert'])

/** What an effect takes of Slack's limits: a message in a channel, or an edit. */
export function costOf(body: EffectBody, previous: EffectResult | undefined): Cost {
  const posts = body.kind === 'chart' || MARKED.has(body.kind)
  if (!posts || previous?.ref !== undefined) return { edit: 1 }
  return { post: countParts(body, sizeOf) }
}

/** One message a second in a channel, and 50 edits or reactions a minute (limits.md: tier 3), counted over the workspace. */
export const SLACK_LIMITS: Limits = {
  post: { capacity: 3, perMinute: 45 },
  edit: { capacity: 5, perMinute: 40 },
}
