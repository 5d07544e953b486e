import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { drainLane, type LaneDeps } from '../../src/inbox/lanes.ts'
import { leaseKeeper } from '../../src/leases/keeper.ts'
import { embedded, type TestDatabase } from '../support/databases.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await embedded()
})
afterAll(() => db.drop())

let count = 0
/** A lane with so many events, and who works on it. */
async function laneOf(events: number) {
  const { store } = db.storage
  const lane = `lane-${count++}`
  const arrive = async (n: number) => {
    const body = Buffer.from('{}')
    const { id } = await store.inbox.insert({ source: 'api', deliveryId: `${lane}-${n}`, kind: 'x', body, lane })
    return id
  }
  const ids: string[] = []
  for (let n = 0; n < events; n++) ids.push(await arrive(n))
  const worker = (): LaneDeps => ({
    store,
    leases: leaseKeeper({ store, kind: 'test', version: 'test', ttlMs: 60_000, log: () => {} }),
    now: store.now,
  })
  const decide = (id: string) => store.inbox.decide(id, { outcome: 'accepted', reason: 'x', detail: '' }, {})
  return { store, lane, ids, arrive, worker, decide }
}

it('handles what waits in the order it came, once, however many want the lane at the same time', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 45 }), fc.integer({ min: 1, max: 4 }), async (events, workers) => {
      const { lane, ids, worker, decide } = await laneOf(events)
      const handled: string[] = []
      const work = async () => {
        await drainLane(worker(), lane, async ({ event }) => {
          handled.push(event.id)
          await decide(event.id)
        })
      }
      await Promise.all(Array.from({ length: workers }, work))
      expect(handled).toEqual(ids)
    }),
    { numRuns: 12 },
  )
})

it('takes what comes while it is at work', async () => {
  const { lane, ids, arrive, worker, decide } = await laneOf(1)
  const handled: string[] = []
  await drainLane(worker(), lane, async ({ event }) => {
    handled.push(event.id)
    await decide(event.id)
    if (handled.length < 3) ids.push(await arrive(10 + handled.length))
  })
  expect(handled).toEqual(ids)
  expect(handled).toHaveLength(3)
})

it('gives the lane back where handling fails: the next one goes on from there', async () => {
  const { lane, ids, worker, decide } = await laneOf(2)
  const broken = drainLane(worker(), lane, () => Promise.reject(new Error('broken')))
  await expect(broken).rejects.toThrow('broken')
  const handled: string[] = []
  await drainLane(worker(), lane, async ({ event }) => {
    handled.push(event.id)
    await decide(event.id)
  })
  expect(handled).toEqual(ids)
})

it('waits in order behind one that failed, until that has failed too often', async () => {
  const { store, lane, ids, worker, decide } = await laneOf(3)
  const [first = '', ...others] = ids
  const handled: string[] = []
  const drain = () =>
    drainLane(worker(), lane, async ({ event }) => {
      handled.push(event.id)
      await decide(event.id)
    })
  const later = new Date(Date.now() + 60_000)
  for (let tries = 0; tries < 5; tries++) await store.inbox.postpone(first, 'failed', later)
  await drain()
  expect(handled).toEqual([])
  await store.inbox.postpone(first, 'failed', later)
  await drain()
  expect(handled).toEqual(others)
  await store.inbox.postpone(first, 'failed', new Date(Date.now() - 1000))
  await drain()
  expect(handled).toEqual([...others, first])
})

it('leaves the rest alone once the lane may be somebody else’s', async () => {
  const { lane, ids, worker, decide } = await laneOf(3)
  const mine = worker()
  let isMine = true
  const lost: LaneDeps = {
    ...mine,
    leases: {
      acquire: async (name) => {
        const claim = await mine.leases.acquire(name)
        return claim && { ...claim, isMine: () => isMine, release: async () => {} }
      },
    },
  }
  const handled: string[] = []
  await drainLane(lost, lane, async ({ event }) => {
    handled.push(event.id)
    await decide(event.id)
    isMine = false
  })
  expect(handled).toEqual(ids.slice(0, 1))
})
