/** A token bucket: at most `capacity` at once, refilled by `perMinute`. In any minute at most capacity + perMinute pass. */
export interface BucketLimit {
  readonly capacity: number
  readonly perMinute: number
}

/** What a request costs, by bucket. */
export type Cost = Readonly<Record<string, number>>
export type Limits = Readonly<Record<string, BucketLimit>>

/** The buckets of one account at one provider. Times are ms since the epoch. */
export interface RateState {
  readonly tokens: Readonly<Record<string, number>>
  readonly at: number
  /** The provider asked to wait until then (`retry-after`). */
  readonly blockedUntil: number
}

export const FULL: RateState = { tokens: {}, at: 0, blockedUntil: 0 }

/**
 * GitHub's limits for one installation (limits.md: 80 content-creating writes a minute and 500 an hour, 900 points a minute,
 * 5,000 requests an hour), cut into what may pass at once and what is refilled, so that no window of that length sees more;
 * some is left over, since requests leave a little later than they are counted.
 */
export const GITHUB_LIMITS: Limits = {
  contentMinute: { capacity: 20, perMinute: 52 },
  contentHour: { capacity: 70, perMinute: 6.5 },
  points: { capacity: 300, perMinute: 540 },
  requests: { capacity: 500, perMinute: 70 },
}

const ROUNDING = 1e-6

/**
 * Takes what a request costs, if all of it is there.
 * @returns the new state, or how long to wait (ms)
 */
export function take(
  state: RateState,
  limits: Limits,
  cost: Cost,
  now: number,
): { readonly ok: true; readonly state: RateState } | { readonly ok: false; readonly waitMs: number } {
  if (now < state.blockedUntil) return { ok: false, waitMs: state.blockedUntil - now }
  // A clock that went back refills nothing.
  const minutes = Math.max(0, now - state.at) / 60_000
  const tokens: Record<string, number> = {}
  let waitMs = 0
  for (const [name, { capacity, perMinute }] of Object.entries(limits)) {
    const have = Math.min(capacity, (state.tokens[name] ?? capacity) + minutes * perMinute)
    const wanted = Math.min(cost[name] ?? 0, capacity)
    // A whole millisecond may be a hair too short, by the rounding of fractions of a token.
    if (have < wanted) waitMs = Math.max(waitMs, Math.ceil(((wanted - have) / perMinute) * 60_000 + ROUNDING))
    tokens[name] = have - wanted
  }
  if (waitMs > 0) return { ok: false, waitMs }
  return { ok: true, state: { tokens, at: Math.max(now, state.at), blockedUntil: state.blockedUntil } }
}

/** The provider said when it wants to hear from us again. */
export function block(state: RateState, until: number): RateState {
  return { ...state, blockedUntil: Math.max(state.blockedUntil, until) }
}
