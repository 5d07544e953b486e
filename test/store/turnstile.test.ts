import { expect, it } from 'vitest'
import { Turnstile } from '../../src/store/turnstile.ts'

/** Statements of a session that ends them without the event loop turning, as the embedded database does; their time is the test's. */
function session() {
  let now = 0
  const turnstile = new Turnstile(() => now)
  const order: string[] = []
  const run = (name: string, urgent: boolean, ms: number) =>
    turnstile.run(urgent, async () => {
      order.push(name)
      now += ms
    })
  return { run, order }
}

const turn = () => new Promise((done) => setImmediate(done))

it('lets one in at a time, urgent ones first', async () => {
  let under = 0
  let most = 0
  const turnstile = new Turnstile()
  const order: string[] = []
  const one = (name: string, urgent: boolean) =>
    turnstile.run(urgent, async () => {
      most = Math.max(most, ++under)
      await turn()
      order.push(name)
      under--
    })
  await Promise.all([one('a', false), one('b', false), one('c', true)])
  expect(most).toBe(1)
  expect(order).toEqual(['a', 'c', 'b'])
})

it('shares the time of the session, not the turns: short ones are not kept waiting for a long one each', async () => {
  const { run, order } = session()
  let left = 10
  // Always another long one waits.
  const long = async (): Promise<void> => {
    while (left-- > 0) await run('L', true, 20)
  }
  // Whoever is short asks for the next only once the event loop has turned.
  let isOver = false
  const short = async (): Promise<void> => {
    while (!isOver) {
      await run('s', false, 1)
      await turn()
    }
  }
  const others = short()
  await Promise.all([long(), long()])
  isOver = true
  await others
  const between = order.join('').split('L').slice(1, -1)
  expect(between.length).toBeGreaterThan(5)
  expect(Math.min(...between.map((shorts) => shorts.length))).toBeGreaterThan(15)
})

it('goes on with arriving events where nobody else wants anything, and gives nobody credit for idling', async () => {
  const { run, order } = session()
  for (let n = 0; n < 5; n++) await run('L', true, 1000)
  await Promise.all([run('a', false, 60), run('b', false, 60), run('L', true, 1), run('c', false, 60)])
  expect(order.join('')).toBe('LLLLLabLc')
})

it('lets the event loop turn, however much waits', async () => {
  const { run, order } = session()
  const all = Array.from({ length: 1000 }, () => run('x', false, 5))
  const seen: number[] = []
  let isOver = false
  const watch = async () => {
    while (!isOver) {
      await turn()
      seen.push(order.length)
    }
  }
  const watching = watch()
  await Promise.all(all)
  isOver = true
  await watching
  const gaps = seen.map((count, index) => count - (seen[index - 1] ?? 0))
  expect(Math.max(...gaps)).toBeLessThan(10)
})
