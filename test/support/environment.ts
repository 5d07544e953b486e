import { evolveEnvironment } from '../../src/core/environments/evolve.ts'
import type { EnvironmentEvent, EnvironmentState } from '../../src/core/environments/types.ts'

/** The state after some events, as whoever replays a history finds it. */
export function verifiedState(
  events: readonly EnvironmentEvent[],
  before: EnvironmentState | undefined,
  at = 1000,
): EnvironmentState | undefined {
  return events.reduce<EnvironmentState | undefined>((state, event) => evolveEnvironment(state, event, at), before)
}
