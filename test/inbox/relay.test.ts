import { expect, it } from 'vitest'
import { arrivalRelay } from '../../src/inbox/relay.ts'
import type { Queue } from '../../src/queue/types.ts'

type Given = Parameters<Queue['addMany']>[0]

/** A queue that keeps what it was given, in one batch after the other. */
function relayTo(batches: Given[]) {
  const log: string[] = []
  const addMany = async (jobs: Given) => void batches.push(jobs)
  return {
    relay: arrivalRelay(
      { addMany },
      () => 0,
      (_level, message) => log.push(message),
    ),
    log,
  }
}
const eventsIn = (batches: Given[]) =>
  batches.flat().map(({ job }) => (job.name === 'inbound' ? job.eventId : job.name))

it('gathers what comes at once into one call, with one job for each conversation: the last', async () => {
  const batches: Given[] = []
  const { relay } = relayTo(batches)
  const queued = await Promise.all([
    relay('a1', { lane: 'a' }),
    relay('b1', { lane: 'b' }),
    relay('a2', { lane: 'a' }),
    relay('alone', {}),
  ])
  expect(queued).toEqual([true, true, true, true])
  expect(batches).toHaveLength(1)
  expect(eventsIn(batches).sort()).toEqual(['a2', 'alone', 'b1'])
})

it('ranks by account: who sends a lot waits behind the first ones of others', async () => {
  const batches: Given[] = []
  const { relay } = relayTo(batches)
  const flood = Array.from({ length: 30 }, (_, n) => relay(`loud-${n}`, { account: 'loud' }))
  await Promise.all([...flood, relay('quiet-1', { account: 'quiet' })])
  const ranks = new Map(
    batches.flat().map(({ job, priority }) => [job.name === 'inbound' ? job.eventId : '', priority]),
  )
  expect(ranks.get('quiet-1')).toBe(1)
  expect([...ranks.values()].filter((rank) => rank === 1)).toHaveLength(2)
  expect(ranks.get('loud-29')).toBe(30)
})

it('takes more than one call holds, and loses none', async () => {
  const batches: Given[] = []
  const { relay } = relayTo(batches)
  const all = Array.from({ length: 1203 }, (_, n) => `e${n}`)
  const queued = await Promise.all(all.map((id) => relay(id, {})))
  expect(queued.every(Boolean)).toBe(true)
  expect(batches.map((batch) => batch.length)).toEqual([500, 500, 203])
  expect(eventsIn(batches)).toEqual(all)
})

it('says that the queue has not got it where that is out of reach, and goes on with the next', async () => {
  const batches: Given[] = []
  const log: string[] = []
  let isDown = true
  const queue = {
    addMany: async (jobs: Given) => {
      if (isDown) throw new Error('out of reach')
      batches.push(jobs)
    },
  }
  const relay = arrivalRelay(
    queue,
    () => 0,
    (_level, message) => log.push(message),
  )
  expect(await relay('lost', {})).toBe(false)
  expect(log).toEqual(['events are stored but could not be queued'])
  isDown = false
  expect(await relay('next', {})).toBe(true)
  expect(eventsIn(batches)).toEqual(['next'])
})
