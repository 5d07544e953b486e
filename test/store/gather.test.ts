import fc from 'fast-check'
import { expect, it } from 'vitest'
import { gathered } from '../../src/store/gather.ts'

const down = () => Object.assign(new Error('gone'), { code: 'ECONNRESET' })

/** Something that answers when it is told to, and remembers what was asked of it together. */
function held() {
  const batches: string[][] = []
  const open: (() => void)[] = []
  const run = (batch: readonly string[]) =>
    new Promise<string[]>((done) => {
      batches.push([...batch])
      open.push(() => done(batch.map((one) => one.toUpperCase())))
    })
  return { run, batches, answer: () => open.shift()?.() }
}

/** Nothing is slow, however busy the machine is. */
const slowMs = 600_000

const turn = () => new Promise((done) => setImmediate(done))

it('does together what is asked for at once, and what comes while something is under way', async () => {
  const { run, batches, answer } = held()
  const ask = gathered({ atOnce: 4, run, slowMs })
  const first = [ask('a'), ask('b')]
  await turn()
  const later = [ask('c'), ask('d'), ask('e')]
  await turn()
  expect(batches).toEqual([['a', 'b']])
  answer()
  expect(await Promise.all(first)).toEqual(['A', 'B'])
  await turn()
  answer()
  expect(await Promise.all(later)).toEqual(['C', 'D', 'E'])
  expect(batches).toEqual([
    ['a', 'b'],
    ['c', 'd', 'e'],
  ])
})

it('goes on beside what takes long, four at a time at most', async () => {
  const batches: string[] = []
  const open = new Map<string, () => void>()
  const ask = gathered({
    atOnce: 4,
    run: (batch: readonly string[]) =>
      new Promise<readonly string[]>((done) => {
        batches.push(batch.join(''))
        open.set(batch.join(''), () => done(batch))
      }),
  })
  const answers: Promise<string>[] = []
  for (const one of ['a', 'b', 'c', 'd']) {
    answers.push(ask(one))
    await expect.poll(() => batches).toContain(one)
  }
  answers.push(ask('e'))
  await new Promise((done) => setTimeout(done, 100))
  expect(batches).toEqual(['a', 'b', 'c', 'd'])
  // One is done long before the first: the next need not wait for that one.
  open.get('b')?.()
  expect(await answers[1]).toBe('b')
  await expect.poll(() => batches).toEqual(['a', 'b', 'c', 'd', 'e'])
  for (const one of ['e', 'd', 'c', 'a']) open.get(one)?.()
  expect(await Promise.all(answers)).toEqual(['a', 'b', 'c', 'd', 'e'])
})

it('begins another at once where a quarter of a full one waits', async () => {
  const { run, batches, answer } = held()
  const ask = gathered({ atOnce: 4, run, most: 8, slowMs })
  const answers = [ask('a')]
  await turn()
  answers.push(ask('b'))
  await turn()
  expect(batches).toEqual([['a']])
  answers.push(ask('c'))
  await turn()
  expect(batches).toEqual([['a'], ['b', 'c']])
  answer()
  answer()
  expect(await Promise.all(answers)).toEqual(['A', 'B', 'C'])
})

it('tries each alone of what is refused together: only whose fault it is fails', async () => {
  const batches: number[] = []
  const ask = gathered({
    atOnce: 4,
    run: async (batch: readonly string[]) => {
      batches.push(batch.length)
      if (batch.includes('bad')) throw new Error('not this')
      return batch
    },
  })
  const ended = await Promise.allSettled(['a', 'bad', 'b'].map(ask))
  expect(ended.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(batches).toEqual([3, 1, 1, 1])
})

it('asks nothing again of a database that is gone: whoever asked knows what repeating means', async () => {
  let asked = 0
  const ask = gathered({
    atOnce: 4,
    run: async () => {
      asked++
      throw down()
    },
  })
  const ended = await Promise.allSettled(['a', 'b', 'c'].map(ask))
  expect(ended.every(({ status }) => status === 'rejected')).toBe(true)
  expect(asked).toBe(1)
})

it('fails all of what is answered with too few, rather than give one the answer of another', async () => {
  const ask = gathered({
    atOnce: 4,
    run: async (batch: readonly string[]) => (batch.length > 1 ? batch.slice(1) : batch),
  })
  expect(await Promise.all(['a', 'b'].map(ask))).toEqual(['a', 'b'])
  const never = gathered({ atOnce: 4, run: async () => [] as string[] })
  await expect(never('a')).rejects.toThrow('1 were asked for, 0 answered')
})

it('turns away whoever comes where too many wait', async () => {
  const { run, answer } = held()
  const ask = gathered({ atOnce: 4, run, limit: 2 })
  const all = [ask('a'), ask('b')]
  await expect(ask('c')).rejects.toThrow('too much waits')
  await turn()
  answer()
  expect(await Promise.all(all)).toEqual(['A', 'B'])
})

it('gives each its own answer, whatever the keys, sizes and times; two of one key follow each other, in order', async () => {
  const Asked = fc.record({
    keys: fc.uniqueArray(fc.constantFrom('k1', 'k2', 'k3', 'k4'), { maxLength: 2 }),
    wait: fc.nat(3),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(Asked, { maxLength: 60 }), fc.integer({ min: 1, max: 8 }), async (all, most) => {
      const under = new Set<string>()
      const begun: number[] = []
      const ask = gathered({
        atOnce: 3,
        most,
        keysOf: ({ keys }: (typeof all)[number] & { nth: number }) => keys,
        run: async (batch) => {
          expect(batch.length).toBeLessThanOrEqual(most)
          const keys = batch.flatMap((one) => one.keys)
          expect(new Set(keys).size).toBe(keys.length)
          for (const key of keys) expect(under.has(key)).toBe(false)
          for (const key of keys) under.add(key)
          begun.push(...batch.map(({ nth }) => nth))
          for (let n = batch[0]?.wait ?? 0; n > 0; n--) await turn()
          for (const key of keys) under.delete(key)
          return batch.map(({ nth }) => nth)
        },
      })
      const answers = all.map(async (one, nth) => {
        for (let n = one.wait; n > 0; n--) await turn()
        return ask({ ...one, nth })
      })
      expect(await Promise.all(answers)).toEqual(all.map((_one, nth) => nth))
      expect(begun).toHaveLength(all.length)
      // Of those that asked at the same time, each key's are begun in the order they asked.
      for (const key of ['k1', 'k2', 'k3', 'k4'] as const)
        for (const wait of [0, 1, 2, 3]) {
          const asked = all.flatMap((one, nth) =>
            one.wait === wait && one.keys.includes(key) && one.keys.length === 1 ? [nth] : [],
          )
          expect(begun.filter((nth) => asked.includes(nth))).toEqual(asked)
        }
    }),
    { numRuns: 100 },
  )
})
