import { hashOf } from '../hash.ts'
import { isTurnOver } from '../environments/wanted.ts'
import type { Claimant, TurnTold } from '../environments/types.ts'
import type { Task } from '../task/types.ts'
import { accepted, type Decided, ignored } from './commands.ts'
import { mayBeRecalled, recalled } from './deploys.ts'

/** What an environment says about a release's turn. What it says of an earlier time that was asked is of no interest. */
export function decideTurn(task: Task, { release: index, nth, turn }: Claimant & { readonly turn: TurnTold }): Decided {
  const release = task.releases.find((one) => one.index === index)
  if (!release?.turn || release.turn.nth !== nth || isTurnOver(task, release)) return ignored('not_waiting')
  if (turn.state === 'given' && turn.recalledBy && mayBeRecalled(task, release))
    return recalled(task, release, turn.recalledBy)
  if (release.turn.state === 'given') return ignored('known')
  if (turn.state === 'waits' && hashOf(turn) === hashOf(release.turn.told ?? {})) return ignored('known')
  return accepted(turn.state === 'given' ? 'turn_given' : 'waits_for_turn', [
    { type: 'release.turn', release: index, nth, turn },
  ])
}
