import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Arrival } from '../../src/core/inbound.ts'
import { bulkhead } from '../../src/inbox/bulkhead.ts'
import { inboxHandler } from '../../src/inbox/handle.ts'
import type { InboxDeps } from '../../src/inbox/scene.ts'
import { leaseKeeper } from '../../src/leases/keeper.ts'
import { releaseEngine } from '../../src/releases/engine.ts'
import { targetsOf } from '../../src/releases/registry.ts'
import { embedded, type TestDatabase } from '../support/databases.ts'
import { opened } from '../support/tasks.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await embedded()
})
afterAll(() => db.drop())

it('what a newer version took in is neither decided nor lost', async () => {
  const { store } = db.storage
  const leases = leaseKeeper({ store, kind: 'test', version: 'test', ttlMs: 60_000, log: () => {} })
  const said: string[] = []
  // Nothing else is needed to leave it alone.
  const deps = {
    store,
    leases,
    bulkhead: bulkhead({ after: () => () => {}, failed: () => {} }),
    now: store.now,
    within: (_: unknown, action: () => Promise<unknown>) => action(),
    log: (level: string, message: string) => void said.push(`${level} ${message}`),
  } as unknown as InboxDeps
  const arrival = { source: 'teams', deliveryId: 't1', kind: 'message', body: Buffer.from('{}') }
  const { id } = await store.inbox.insert(arrival as unknown as Arrival)
  await inboxHandler(deps)(id)
  const stored = await store.inbox.get(id)
  expect(stored?.event.decision).toMatchObject({ outcome: 'deferred', reason: 'will_retry' })
  expect(stored?.retryAt?.getTime()).toBeGreaterThan(store.now() + 30_000)
  expect(said).toEqual(['warn an event of a newer version is left to its processes'])
})

it('a target that this server does not know is named, and nothing is planned', async () => {
  const unused = () => Promise.reject(new Error('not needed here'))
  const { task } = opened()
  const release = { index: 1, environment: 'production', ref: undefined, requester: task.origin.requester }
  const environment = { ...task.settings.environments['production'], target: 'kubernetes' }
  const newer = { ...task, settings: { ...task.settings, environments: { production: environment } } }
  const engine = releaseEngine({
    git: {} as never,
    tools: unused,
    targets: targetsOf({}),
    metrics: async () => [],
    facts: { standing: unused, checks: unused },
    settings: () => Promise.resolve(newer.settings as never),
    environments: { load: unused },
    hold: unused,
    now: Date.now,
    sleep: unused,
    log: () => {},
  })
  await expect(engine.plan(newer as never, release as never)).rejects.toThrow('deploys to no target `kubernetes`')
})
