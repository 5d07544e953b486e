import { defaultRepositorySettings } from '../../src/config/repository.ts'
import type { ChannelFacts, Platform } from '../../src/channels/types.ts'
import type { Member, Said, SaidWhat, Surface } from '../../src/core/said.ts'
import type { Person, Repository } from '../../src/core/task/types.ts'
import type { InboxDeps } from '../../src/inbox/scene.ts'
import type { Store } from '../../src/store/types.ts'
import { origin } from './tasks.ts'

/** What a test of the inbox says about the world around it; the store is a real one. */
export interface World {
  readonly store: Store
  /** GitHub accounts that may write, whatever the repository. */
  readonly writers?: readonly Person[]
  readonly repositories?: readonly Repository[]
  readonly facts?: Partial<ChannelFacts>
  readonly readers?: InboxDeps['readers']
  readonly mapped?: InboxDeps['mapped']
  readonly mention?: string
}

/** The parts of the inbox that look things up: whatever else is asked for throws. */
export function inboxIn({ store, writers = [], repositories = [origin.repository], ...world }: World): InboxDeps {
  const platform: Partial<Platform> = {
    canWrite: async (_repository, { id }) => writers.some((one) => one.id === id),
    findRepository: async (owner, name) => repositories.find((one) => one.owner === owner && one.name === name),
    repositories: async (limit) => repositories.slice(0, limit),
  }
  const settings = { ...defaultRepositorySettings(), mention: world.mention ?? 'muster' }
  const facts: Partial<ChannelFacts> = { emailOf: async () => undefined, ...world.facts }
  const deps: Partial<InboxDeps> = {
    store,
    platform: strictly(platform),
    settings: { load: async () => ({ ok: true, settings }) },
    facts: { slack: strictly(facts), jira: strictly(facts) },
    readers: world.readers ?? {},
    mapped: world.mapped ?? (() => undefined),
    kick: () => {},
  }
  return strictly(deps)
}

/** Whatever a test does not set is not looked at: it says so instead of being undefined. */
function strictly<T extends object>(part: Partial<T>): T {
  return new Proxy(part, {
    get(target, key) {
      const optional = ['editors', 'conversation', 'named', 'links', 'thread', 'then']
      if (key in target || typeof key === 'symbol' || optional.includes(key)) return Reflect.get(target, key)
      throw new Error(`the test says nothing of ${key}`)
    },
  }) as T
}

export const thread: Surface = { channel: 'slack', team: 'T1', room: 'C1', thread: '1.1' }
export const jiraTicket: Surface = { channel: 'jira', site: 's1', ticket: '100', name: 'SHOP-1' }

export function member(id: string, extra: Partial<Member> = {}): Member {
  return { channel: 'slack', account: 'T1', id, name: id.toLowerCase(), isBot: false, isStranger: false, ...extra }
}

export function saidIn(what: SaidWhat, extra: Partial<Said> = {}): Said {
  return { kind: 'message', surface: thread, by: member('U1'), writtenAt: 1, what, ...extra }
}

export function words(text: string, extra: Partial<Extract<SaidWhat, { type: 'text' }>> = {}): SaidWhat {
  return { type: 'text', text, messageId: '1.2', mentioned: false, ticket: undefined, ...extra }
}
