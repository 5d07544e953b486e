import { traitsOf } from '../core/effecttable.ts'
import type { StoredEffect } from '../store/types.ts'

/** After an unknown outcome so long is waited before it is looked up: lists lag behind writes (reliability.md R12). */
export const SETTLE_MS = 3000
/** The same for a request whose sender died or stalled: nobody knows when it left, so that gets some time too. */
export const ORPHAN_MS = 5000

/** When an effect may be sent: ms since the epoch. */
export function dueAt(effect: StoredEffect): number {
  const postponed = effect.notBefore?.getTime() ?? 0
  const sent = effect.sentAt?.getTime() ?? 0
  const paused = effect.result ? sent + traitsOf(effect.body.kind).pauseMs : 0
  const settled = effect.status === 'sent' ? sent + ORPHAN_MS : 0
  return Math.max(postponed, paused, settled)
}
