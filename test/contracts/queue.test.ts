import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Queue as BullQueue } from 'bullmq'
import { type Carrier, openQueue } from '../../src/queue/bullmq.ts'
import { type Job, type Queue, QueueDown } from '../../src/queue/types.ts'
import { embedded, hasPostgres, hasRedis, REDIS_URL, server, type TestDatabase } from '../support/databases.ts'

const redis = async (): Promise<TestDatabase> => {
  const db = await embedded()
  return { ...db, storage: { ...db.storage, carrier: { kind: 'redis', url: REDIS_URL } } }
}
const places = [
  ['the embedded database', embedded, true],
  ['PostgreSQL', server, await hasPostgres()],
  ['Redis', redis, await hasRedis()],
] as const

const INSTANCE = `test-${process.pid}`
const idOf = (job: Job) =>
  job.name === 'inbound' ? job.eventId : job.name === 'step' ? `${job.step}.${job.attempt}` : 'wake'
/** Redis is connected to in the background. */
const isReady = (queue: Queue) =>
  expect
    .poll(() =>
      queue.ping().then(
        () => true,
        () => false,
      ),
    )
    .toBe(true)
const everything = { inbound: 4, wake: 1, roles: { pm: 2, sd: 1 } }

for (const [name, open, available] of places) {
  describe.skipIf(!available)(`the queue on ${name}`, () => {
    let db: TestDatabase
    let run = 0
    const logged: string[] = []
    const openOne = (carrier: Carrier = db.storage.carrier) =>
      openQueue({ carrier, instance: INSTANCE, now: Date.now, log: (_level, message) => void logged.push(message) })
    /** Ids that no other run knows: Redis keeps what earlier ones left. */
    const fresh = (id: string) => `${id}-${process.pid}-${run}`
    beforeAll(async () => {
      db = await open()
    })
    afterAll(() => db.drop())

    it('works off jobs once, late ones when they are due, failed ones again', async () => {
      run = Date.now()
      const queue = await openOne()
      await isReady(queue)
      const seen: string[] = []
      let failures = 2
      const done = (job: Job) => Promise.resolve(void seen.push(idOf(job)))
      // Added while it waits, the same job is one job.
      for (let n = 0; n < 3; n++) await queue.add({ name: 'inbound', eventId: fresh('a') })
      await queue.start(
        {
          inbound: done,
          wake: done,
          step: (job) => (job.step === 'flaky' && failures-- > 0 ? Promise.reject(new Error('not yet')) : done(job)),
        },
        everything,
      )
      await queue.add({ name: 'wake', taskId: fresh('t'), dueAt: 1 }, { delayMs: 700 })
      await queue.add({ name: 'step', taskId: fresh('t'), step: 'flaky', role: 'pm', attempt: 1 })
      const wanted = [fresh('a'), 'flaky.1', 'wake'].toSorted()
      await expect.poll(() => seen.filter((id) => wanted.includes(id)).toSorted()).toEqual(wanted)
      expect(seen.indexOf('wake')).toBeGreaterThan(seen.indexOf(fresh('a')))
      await queue.close(2000)
    })

    it('takes the more urgent first, and only the roles it is there for', async () => {
      run = Date.now() + 1
      const queue = await openOne()
      await isReady(queue)
      const seen: string[] = []
      const step = (label: string, role: 'sd' | 'qa', priority: number) =>
        queue.add({ name: 'step', taskId: fresh(label), step: label, role, attempt: 1 }, { priority })
      await step('late', 'sd', 500)
      await step('middle', 'sd', 20)
      await step('early', 'sd', 1)
      await step('not mine', 'qa', 1)
      const done = (job: Job) => Promise.resolve(void seen.push(job.name === 'step' ? job.step : ''))
      await queue.start({ inbound: done, wake: done, step: done }, { inbound: 0, wake: 0, roles: { sd: 1 } })
      await expect.poll(() => seen).toEqual(['early', 'middle', 'late'])
      await queue.consume('qa', 1)
      await expect.poll(() => seen.at(-1)).toBe('not mine')
      await queue.close(2000)
    })

    it('restores what was lost, and leaves alone what waits', async () => {
      run = Date.now() + 2
      const queue = await openOne()
      await isReady(queue)
      const jobs = ['x', 'y', 'z'].map((id) => ({
        job: { name: 'inbound', eventId: fresh(id) } as const,
        priority: 1,
        delayMs: 0,
      }))
      await queue.add(jobs[0]?.job ?? { name: 'inbound', eventId: '' })
      expect(await queue.restore(jobs)).toBe(2)
      expect(await queue.restore(jobs)).toBe(0)
      const seen: string[] = []
      const done = (job: Job) => Promise.resolve(void seen.push(idOf(job)))
      await queue.start({ inbound: done, wake: done, step: done }, { ...everything, roles: {} })
      const mine = jobs.map(({ job }) => job.eventId).toSorted()
      await expect.poll(() => seen.filter((id) => mine.includes(id)).toSorted()).toEqual(mine)
      await queue.close(2000)
    })
  })
}

describe.skipIf(!(await hasRedis()))('bad jobs', () => {
  it('are dropped with a line in the log, or left to a newer version; the others go on', async () => {
    const lines: string[] = []
    const queue = await openQueue({
      carrier: { kind: 'redis', url: REDIS_URL },
      instance: INSTANCE,
      now: Date.now,
      log: (_level, message) => void lines.push(message),
    })
    await isReady(queue)
    const raw = new BullQueue('inbound', {
      connection: { url: REDIS_URL },
      prefix: `muster-${INSTANCE}`,
      skipVersionCheck: true,
    })
    const mark = `bad-${process.pid}-${Date.now()}`
    await raw.add('inbound', { v: 1, name: 'nonsense', eventId: 7 }, { jobId: `${mark}-1`, removeOnComplete: true })
    await raw.add('inbound', 'not even an object', { jobId: `${mark}-2`, removeOnComplete: true })
    await raw.add(
      'inbound',
      { v: 99, name: 'inbound', eventId: mark, and: 'more' },
      { jobId: `${mark}-3`, removeOnComplete: true },
    )
    await queue.add({ name: 'inbound', eventId: `${mark}-good` })
    const seen: string[] = []
    const done = (job: Job) => Promise.resolve(void seen.push(idOf(job)))
    await queue.start({ inbound: done, wake: done, step: done }, { inbound: 2, wake: 0, roles: {} })
    await expect.poll(() => seen).toContain(`${mark}-good`)
    await expect.poll(() => lines.filter((line) => line.includes('nobody knows'))).toHaveLength(2)
    expect(lines.filter((line) => line.includes('newer version'))).toHaveLength(1)
    const left = await raw.getDelayed()
    expect(left.some((job) => job.id?.startsWith(`${mark}-3~`))).toBe(true)
    for (const job of left) if (job.id?.startsWith(mark)) await job.remove()
    await queue.close(2000)
    await raw.close()
  })

  it('say at once that Redis is out of reach, rather than wait for it', async () => {
    const queue = await openQueue({
      carrier: { kind: 'redis', url: 'redis://127.0.0.1:1' },
      instance: INSTANCE,
      now: Date.now,
      log: () => {},
    })
    await expect(queue.add({ name: 'inbound', eventId: 'x' })).rejects.toThrow(QueueDown)
    await expect(queue.ping()).rejects.toThrow(QueueDown)
    await queue.close(100)
  })
})
