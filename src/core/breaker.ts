/**
 * A circuit breaker (Nygard, "Release It!", 2007): after some failures within a while nothing is tried for a while; then one
 * try tells whether it works again. Times are ms.
 */
export interface BreakerState {
  /** When the latest failures happened, oldest first. */
  readonly failures: readonly number[]
  /** Until when nothing is tried; 0: closed. */
  readonly openUntil: number
  /** One try is under way since then; 0: none. */
  readonly probingSince: number
}

export const CLOSED: BreakerState = { failures: [], openUntil: 0, probingSince: 0 }

export interface BreakerLimits {
  readonly failures: number
  readonly withinMs: number
  readonly openMs: number
}

/** Opens after 5 failures in 30 s, tries again after 30 s (reliability.md R15). */
export const BREAKER: BreakerLimits = { failures: 5, withinMs: 30_000, openMs: 30_000 }

/** Whether something may be tried now; if not, how long to wait. */
export function mayTry(
  state: BreakerState,
  limits: BreakerLimits,
  now: number,
): { readonly ok: true; readonly state: BreakerState } | { readonly ok: false; readonly waitMs: number } {
  if (state.openUntil === 0) return { ok: true, state }
  if (now < state.openUntil) return { ok: false, waitMs: state.openUntil - now }
  // A probe that never came back does not keep the breaker shut for ever.
  if (state.probingSince > 0 && now < state.probingSince + limits.openMs)
    return { ok: false, waitMs: state.probingSince + limits.openMs - now }
  return { ok: true, state: { ...state, probingSince: now } }
}

export function succeeded(): BreakerState {
  return CLOSED
}

export function failedAt(state: BreakerState, limits: BreakerLimits, now: number): BreakerState {
  const failures = [...state.failures.filter((at) => at > now - limits.withinMs), now].slice(-limits.failures)
  const open = state.openUntil > 0 || failures.length >= limits.failures
  return { failures, openUntil: open ? now + limits.openMs : 0, probingSince: 0 }
}
