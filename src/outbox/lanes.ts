import type { StoredEffect } from '../store/types.ts'

/** Edits of the status comment are at least so far apart; the last state always arrives. */
export const EDIT_PAUSE_MS = 2000
/** After an unknown outcome so long is waited before it is looked up: lists lag behind writes (reliability.md R12). */
export const SETTLE_MS = 3000
/** The same for a request whose sender died or stalled: nobody knows when it left, so that gets some time too. */
export const ORPHAN_MS = 5000

/** When an effect may be sent: ms since the epoch. */
export function dueAt(effect: StoredEffect): number {
  const postponed = effect.notBefore?.getTime() ?? 0
  const sent = effect.sentAt?.getTime() ?? 0
  const paused = effect.body.kind === 'status.upsert' && effect.result ? sent + EDIT_PAUSE_MS : 0
  const settled = effect.status === 'sent' ? sent + ORPHAN_MS : 0
  return Math.max(postponed, paused, settled)
}
