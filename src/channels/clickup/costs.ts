import type { EffectBody } from '../../core/effects.ts'
import type { Cost, Limits } from '../../core/rate.ts'
import { countParts } from '../messages.ts'
import { sizeOf } from './render.ts'

/** What an effect takes of ClickUp's limit: its requests. */
export function costOf(body: EffectBody): Cost {
  if (body.kind === 'seen') return {}
  return { request: body.kind === 'ticket.move' ? 3 : countParts(body, sizeOf) }
}

/** ClickUp: 100 requests a minute and token. */
export const CLICKUP_LIMITS: Limits = { request: { capacity: 15, perMinute: 75 } }
