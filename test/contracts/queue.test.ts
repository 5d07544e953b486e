import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openQueue } from '../../src/queue/bullmq.ts'
import type { Job } from '../../src/queue/types.ts'
import { embedded, hasPostgres, server, type TestDatabase } from '../support/databases.ts'

const places = [
  ['embedded', embedded, true],
  ['PostgreSQL', server, await hasPostgres()],
] as const

for (const [name, open, available] of places) {
  describe.skipIf(!available)(`the queue on ${name}`, () => {
    let db: TestDatabase
    beforeAll(async () => {
      db = await open()
    })
    afterAll(() => db.drop())

    it('works off jobs once, late ones when they are due, failed ones again, and starts empty', async () => {
      const options = {
        pool: db.storage.queuePool,
        concurrency: { inbound: 4, step: 2, wake: 1 },
        onError: () => {},
        exclusive: true,
      }
      const first = await openQueue(options)
      await first.add({ name: 'inbound', eventId: 'left-behind' })
      await first.close(100)
      const queue = await openQueue(options)
      const seen: string[] = []
      let failures = 2
      const done = (job: Job) => {
        seen.push(job.name === 'inbound' ? job.eventId : job.name === 'step' ? `${job.step}.${job.attempt}` : 'wake')
        return Promise.resolve()
      }
      // Added while it waits, the same job is one job.
      for (let n = 0; n < 3; n++) await queue.add({ name: 'inbound', eventId: 'a' })
      await queue.start({
        inbound: done,
        wake: done,
        step: (job) => (job.step === 'flaky' && failures-- > 0 ? Promise.reject(new Error('not yet')) : done(job)),
      })
      await queue.ping()
      await queue.add({ name: 'wake', taskId: 't', dueAt: 1 }, 700)
      await queue.add({ name: 'step', taskId: 't', step: 'flaky', attempt: 1 })
      await expect.poll(() => seen.toSorted(), { timeout: 15_000 }).toEqual(['a', 'flaky.1', 'wake'])
      expect(seen.indexOf('wake')).toBeGreaterThan(seen.indexOf('a'))
      await queue.close(2000)
    })
  })
}
