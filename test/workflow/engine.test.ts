import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { isDatabaseDown } from '../../src/store/sql.ts'
import type { Store } from '../../src/store/types.ts'
import { createEngine } from '../../src/workflow/engine.ts'
import { embedded, type TestDatabase } from '../support/databases.ts'
import { kindOf } from '../support/eight.ts'
import { opened, settings } from '../support/tasks.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await embedded()
})
afterAll(() => db.drop())

const deps = {
  queue: { add: async () => {} },
  now: Date.now,
  random: () => 0.5,
  isDown: isDatabaseDown,
  log: () => {},
  sleep: async () => {},
  cause: () => undefined,
  onCommit: () => {},
}

it('does not leave it at "nothing to do" where the state that was read is older than what this process wrote meanwhile', async () => {
  const { store } = db.storage
  const slow = Promise.withResolvers<void>()
  let loads = 0
  const load: Store['tasks']['load'] = async (id) => {
    const found = await store.tasks.load(id)
    if (++loads === 1) await slow.promise
    return found
  }
  const id = randomUUID()
  const schedule = { policy: 'sequential', most: 4 } as const
  const { events, decision } = opened({
    id,
    conversationId: id,
    workflow: 'lab/eight',
    settings: { ...settings, schedule },
  })
  await createEngine({ ...deps, store }).open(events.slice(0, 1), decision, 'test')
  const engine = createEngine({ ...deps, store: { ...store, tasks: { ...store.tasks, load } } })
  const second = engine.apply(id, { type: 'step.start', step: kindOf('b') })
  await engine.apply(id, { type: 'step.start', step: kindOf('a') })
  await engine.apply(id, {
    type: 'step.result',
    step: kindOf('a'),
    attempt: 1,
    result: { kind: 'artefact', artefact: 'x' },
  })
  slow.resolve()
  expect((await second).decision.reason).toBe('step_started')
})
