import type { EffectBody } from '../../core/effects.ts'
import type { Cost, Limits } from '../../core/rate.ts'
import { countParts } from '../messages.ts'
import { sizeOf } from './render.ts'

/** What an effect takes of Jira's limits; apart from the sender, which needs Jira's library. */
export function costOf(body: EffectBody): Cost {
  if (body.kind === 'seen') return {}
  return { write: countParts(body, sizeOf) }
}

/** Jira Cloud: 20 writes in 2 s and 100 in 30 s on one ticket (limits.md), kept for the whole site. */
export const JIRA_LIMITS: Limits = { write: { capacity: 10, perMinute: 150 } }
