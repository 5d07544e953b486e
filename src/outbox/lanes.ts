import { isUpsert } from '../core/effects.ts'
import type { StoredEffect } from '../store/types.ts'

/** Edits of the status comment are at least so far apart; the last state always arrives. */
export const EDIT_PAUSE_MS = 2000
/** After an unknown outcome so long is waited before it is looked up: lists lag behind writes. */
export const SETTLE_MS = 3000

/** What stays in order with what: everything that is new in a conversation; each thing that is edited by itself. */
export function laneOf(effect: Pick<StoredEffect, 'scope' | 'key' | 'conversationId' | 'body'>): string {
  return isUpsert(effect.body.kind) ? `${effect.scope} ${effect.key}` : effect.conversationId
}

/** When an effect may be sent: ms since the epoch. */
export function dueAt(effect: StoredEffect): number {
  const postponed = effect.notBefore?.getTime() ?? 0
  const paused =
    effect.body.kind === 'status.upsert' && effect.result ? (effect.sentAt?.getTime() ?? 0) + EDIT_PAUSE_MS : 0
  const settled = effect.status === 'sent' ? (effect.sentAt?.getTime() ?? 0) + SETTLE_MS : 0
  return Math.max(postponed, paused, settled)
}

/** The effects to send now, at most one a lane, and when to look again. */
export function pick(
  open: readonly StoredEffect[],
  busy: ReadonlySet<string>,
  now: number,
): { ready: StoredEffect[]; next: number | undefined } {
  const seen = new Set(busy)
  const ready: StoredEffect[] = []
  let next: number | undefined
  for (const effect of open) {
    const lane = laneOf(effect)
    if (seen.has(lane)) continue
    seen.add(lane)
    const due = dueAt(effect)
    if (due <= now) ready.push(effect)
    else next = Math.min(next ?? due, due)
  }
  return { ready, next }
}
