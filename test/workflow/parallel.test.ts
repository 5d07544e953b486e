import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { leaseKeeper } from '../../src/leases/keeper.ts'
import type { Job } from '../../src/queue/types.ts'
import { isDatabaseDown } from '../../src/store/sql.ts'
import { createEngine } from '../../src/workflow/engine.ts'
import { createStepRunner } from '../../src/workflow/runner.ts'
import type { Schedule } from '../../src/core/settings.ts'
import { embedded, type TestDatabase } from '../support/databases.ts'
import { kindOf } from '../support/eight.ts'
import { NOTHING_ELSE } from '../support/runner.ts'
import { opened, settings } from '../support/tasks.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await embedded()
})
afterAll(() => db.drop())

/** The workflow of eight steps with the real engine, runner, leases and database; the queue hands out whatever comes, all at once. */
/** @param together once the first step is done, the next ones wait until so many are at work at once */
async function run(schedule: Schedule, together = 1) {
  const { store } = db.storage
  const leases = leaseKeeper({ store, kind: 'test', version: 'test', ttlMs: 60_000, log: () => {} })
  const common = { now: Date.now, random: () => 0.5, isDown: isDatabaseDown, log: () => {}, sleep: async () => {} }
  const jobs: Promise<void>[] = []
  const began: string[] = []
  let now = 0
  let most = 0
  const queue = {
    add: async (job: Job) => {
      if (job.name === 'step') jobs.push(runner.run(job.taskId, job.step, job.attempt))
    },
  }
  const workflow = createEngine({ ...common, store, queue, cause: () => undefined, onCommit: () => {} })
  const runner = createStepRunner({
    ...common,
    ...NOTHING_ELSE,
    workflow,
    store,
    leases,
    handlerFor: () => async (context) => {
      began.push(context.step.id.slice(-1))
      most = Math.max(most, ++now)
      for (const isFirst = began.length === 1; !isFirst && most < together; )
        await new Promise((done) => setTimeout(done, 5))
      // Time for one more than may be to come in.
      await new Promise((done) => setTimeout(done, 20))
      now--
      return { kind: 'artefact', artefact: context.step.id }
    },
  })
  const id = randomUUID()
  const { events, decision } = opened({
    id,
    conversationId: id,
    workflow: 'lab/eight',
    settings: { ...settings, schedule },
  })
  await workflow.open(events.slice(0, 1), decision, 'test')
  for (let done = 0; done < jobs.length; ) {
    const open = jobs.slice(done)
    done = jobs.length
    await Promise.all(open)
  }
  const task = await workflow.get(id)
  await runner.stop()
  return { task, began: began.join(''), most }
}

it('runs what is independent side by side, each step once, and joins it', async () => {
  const { task, began, most } = await run({ policy: 'parallel', most: 4 }, 2)
  expect(task?.outcome).toBe('all eight')
  expect(began.split('').toSorted().join('')).toBe('abcdefgh')
  expect(began[0]).toBe('a')
  expect(began.at(-1)).toBe('h')
  expect(most).toBeGreaterThan(1)
  expect(task?.artefacts?.[kindOf('h')]).toBe('lab/h')
})

it('keeps to what the repository wants: one after the other, or two at a time', async () => {
  expect(await run({ policy: 'sequential', most: 4 })).toMatchObject({ began: 'abcdefgh', most: 1 })
  const two = await run({ policy: 'hybrid', most: 2 }, 2)
  expect(two.task?.outcome).toBe('all eight')
  expect(two.most).toBe(2)
})
