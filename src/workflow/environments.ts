import { personActor } from '../core/deciding/actor.ts'
import { DORA_MS, doraAfter, doraOf } from '../core/environments/dora.ts'
import { decideEnvironment, type EnvironmentOutcome } from '../core/environments/decide.ts'
import {
  type EnvironmentCommand,
  environmentKey,
  type EnvironmentRef,
  type EnvironmentState,
  type Turn,
  type Wanted,
} from '../core/environments/types.ts'
import { turnsOf } from '../core/environments/evolve.ts'
import { isTurnOver, wantedOf } from '../core/environments/wanted.ts'
import { backoffMs } from '../core/retry.ts'
import { Conflict, type Store } from '../store/types.ts'
import type { Environments } from './types.ts'

const MAX_CONFLICTS = 30
/** What somebody has had for so long without a word is compared with what its task wants. */
const SILENT_MS = 10 * 60_000

export interface EnvironmentDeps {
  readonly store: Pick<Store, 'environments' | 'tasks'>
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
  readonly random: () => number
  /** Told after every commit: there may be something to send. */
  readonly kick: () => void
}

/** Load, decide, write in one transaction: of two at once, one decides again on the new state. */
export function createEnvironments(deps: EnvironmentDeps): Environments {
  const { environments } = deps.store

  async function apply(ref: EnvironmentRef, command: EnvironmentCommand): Promise<EnvironmentOutcome> {
    const key = environmentKey(ref.repository, ref.name)
    for (let attempt = 1; ; attempt++) {
      const loaded = await environments.load(key)
      const at = deps.now()
      const outcome = decideEnvironment(loaded?.state, ref, command, at)
      if (outcome.events.length === 0) return outcome
      try {
        const conversations = conversationsIn(outcome.state)
        await environments.commit(outcome, loaded, { at, actor: actorOf(command), conversations })
        deps.kick()
        return outcome
      } catch (error) {
        if (!(error instanceof Conflict) || attempt >= MAX_CONFLICTS) throw error
        await deps.sleep(backoffMs(Math.min(attempt, 4), deps.random(), 5))
      }
    }
  }

  async function look(): Promise<void> {
    for (const { repository, name } of await environments.due(new Date(deps.now())))
      await apply({ repository, name }, { type: 'look' })
    for (const state of await environments.busy(new Date(deps.now() - SILENT_MS)))
      for (const wanted of await givenUp(deps, state))
        await apply(state, { type: 'turn', wanted, freeze: state.freeze })
  }

  return {
    apply,
    get: async ({ repository, name }) => (await environments.load(environmentKey(repository, name)))?.state,
    async dora({ repository, name }) {
      const loaded = await environments.load(environmentKey(repository, name))
      if (!loaded) return undefined
      const to = deps.now()
      const { key, version } = loaded.state
      return doraOf(await environments.events(key, doraAfter(version), version), to - DORA_MS, to)
    },
    look,
  }
}

/** Whose task wants its turn no more, or is not there any more, though the word of it was lost. */
async function givenUp({ store }: EnvironmentDeps, state: EnvironmentState): Promise<Wanted[]> {
  const found: Wanted[] = []
  for (const turn of turnsOf(state)) {
    const task = await store.tasks.get(turn.task)
    const release = task?.releases.find(({ index }) => index === turn.release)
    const isWanted = task && release?.turn?.nth === turn.nth && !isTurnOver(task, release)
    const wanted = task && wantedOf(task)
    const isIts = wanted?.release === turn.release && wanted.nth === turn.nth
    if (!isWanted) found.push(isIts ? wanted : out(turn))
  }
  return found
}

function out({ task, release, nth, conversationId, sha, by, watchSeconds, liveAt }: Turn): Wanted {
  const about = { task, release, nth, conversationId, sha, by, watchSeconds }
  return { ...about, state: 'out', isLive: liveAt !== undefined, verdict: undefined, tree: undefined }
}

/** Who brought it about, for the history. */
function actorOf(command: EnvironmentCommand): string {
  switch (command.type) {
    case 'lock':
    case 'unlock':
    case 'lift':
      return personActor(command.by)
    case 'turn':
      return `muster:${command.wanted.task}`
    case 'look':
      return 'muster:timer'
  }
}

/** Plain data: it may be written by another process. */
function conversationsIn(state: EnvironmentState): Record<string, string> {
  return Object.fromEntries(turnsOf(state).map(({ task, conversationId }) => [task, conversationId]))
}
