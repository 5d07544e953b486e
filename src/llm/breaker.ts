import { BREAKER, type BreakerLimits, type BreakerState, CLOSED, failedAt, mayTry, succeeded } from '../core/breaker.ts'
import { ModelError, type ModelProvider } from './types.ts'

/** A model that never answers counts as failed after this, without the first byte. */
const CALL_MS = 10 * 60_000

export interface BreakerDeps {
  readonly now: () => number
  readonly limits?: BreakerLimits
  readonly onChange: (open: boolean) => void
}

/** Stops asking a provider that fails again and again, and answers at once in its place until it may be tried again. */
export function withBreaker(provider: ModelProvider, { now, limits = BREAKER, onChange }: BreakerDeps): ModelProvider {
  let state: BreakerState = CLOSED
  const set = (next: BreakerState) => {
    if (next.openUntil > 0 !== state.openUntil > 0) onChange(next.openUntil > 0)
    state = next
  }
  return {
    async complete(request) {
      const may = mayTry(state, limits, now())
      if (!may.ok)
        throw new ModelError('busy', 'the model provider failed several times and is left alone for a while', {
          retryAfterMs: may.waitMs,
        })
      state = may.state
      // A timer of its own, and ended with the call: `AbortSignal.timeout` keeps the call in memory until its time is over.
      const late = new AbortController()
      const timer = setTimeout(() => late.abort(new Error('no answer in time')), CALL_MS)
      try {
        const signal = AbortSignal.any([request.signal, late.signal])
        const reply = await provider.complete({ ...request, signal })
        set(succeeded())
        return reply
      } catch (error) {
        request.signal.throwIfAborted()
        const busy = !(error instanceof ModelError) || error.kind === 'busy'
        set(busy ? failedAt(state, limits, now()) : succeeded())
        throw error instanceof ModelError
          ? error
          : new ModelError('busy', 'the model provider did not answer in time', { cause: error })
      } finally {
        clearTimeout(timer)
      }
    },
  }
}
