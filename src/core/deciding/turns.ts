import { hashOf } from '../hash.ts'
import { isTurnOver } from '../environments/wanted.ts'
import type { CarriedBy, Claimant, TurnTold } from '../environments/types.ts'
import type { Release, Task } from '../task/types.ts'
import { accepted, type Decided, ignored } from './commands.ts'
import { mayBeRecalled, recalled } from './deploys.ts'

/** What an environment says about a release's turn. What it says of an earlier time that was asked is of no interest. */
export function decideTurn(task: Task, { release: index, nth, turn }: Claimant & { readonly turn: TurnTold }): Decided {
  const release = task.releases.find((one) => one.index === index)
  if (!release?.turn || release.turn.nth !== nth || isTurnOver(task, release)) return ignored('not_waiting')
  if (turn.state === 'given' && turn.recalledBy && mayBeRecalled(task, release))
    return recalled(task, release, turn.recalledBy)
  if (release.turn.state === 'given') return ignored('known')
  if (turn.state === 'carried') return carried(release, turn.by)
  if (turn.state === 'waits' && hashOf(turn) === hashOf(release.turn.told ?? {})) return ignored('known')
  return accepted(turn.state === 'given' ? 'turn_given' : 'waits_for_turn', [
    { type: 'release.turn', release: index, nth, turn },
  ])
}

/** Nothing is deployed for it by itself. */
function carried({ index, environment, plan }: Release, { sha: carriedBy }: CarriedBy): Decided {
  const { sha = '', url = '' } = plan ?? {}
  const error = `it is live with ${carriedBy.slice(0, 7)}, which has it`
  const base = { environment, sha, url, releaseId: '', previousSha: undefined, log: '' }
  return accepted('carried', [
    { type: 'release.deployed', release: index, deployed: { ...base, ok: false, error, carriedBy } },
  ])
}
