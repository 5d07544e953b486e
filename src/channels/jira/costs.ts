import type { EffectBody } from '../../core/effects.ts'
import type { Cost } from '../../core/rate.ts'
import { countParts } from '../messages.ts'
import { sizeOf } from './render.ts'

/** What an effect takes of Jira's limits; apart from the sender, which needs Jira's library. */
export function costOf(body: EffectBody): Cost {
  if (body.kind === 'seen') return {}
  return { write: countParts(body, sizeOf) }
}
