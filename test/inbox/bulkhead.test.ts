import { describe, expect, it } from 'vitest'
import { bulkhead } from '../../src/inbox/bulkhead.ts'

/** Work that ends when it is told to. */
function work() {
  let end = () => {}
  let fail = (_error: Error) => {}
  const promise = new Promise<void>((done, failed) => ([end, fail] = [done, failed]))
  return { run: () => promise, end: () => end(), fail: (error: Error) => fail(error) }
}

/** All timers go off when they are told to. */
function stand() {
  const due = new Set<() => void>()
  const failures: unknown[] = []
  const keep = bulkhead({
    after: (_ms, call) => {
      due.add(call)
      return () => void due.delete(call)
    },
    failed: (error) => void failures.push(error),
  })
  return { keep, failures, later: () => due.forEach((call) => call()) }
}

describe('an account whose service does not answer', () => {
  it('gives up its places, up to so many, and gets them back', async () => {
    const { keep, later } = stand()
    const stuck = Array.from({ length: 32 }, work)
    const places = stuck.map(({ run }) => keep('hole', run))
    later()
    expect(await Promise.all(places)).toEqual(Array.from({ length: 32 }, () => 'beside'))
    let begun = 0
    const more = async () => void begun++
    expect(await keep('hole', more)).toBe('full')
    expect(await keep('others', more)).toBe('done')
    expect(begun).toBe(1)
    stuck[0]?.end()
    await new Promise((done) => setImmediate(done))
    expect(await keep('hole', more)).toBe('done')
  })

  it('is told of where nobody waits for it any more, and else by whoever does', async () => {
    const { keep, later, failures } = stand()
    await expect(keep('a', () => Promise.reject(new Error('at once')))).rejects.toThrow('at once')
    const slow = work()
    const place = keep('a', slow.run)
    later()
    expect(await place).toBe('beside')
    slow.fail(new Error('no answer'))
    await new Promise((done) => setImmediate(done))
    expect(failures).toEqual([new Error('no answer')])
  })

  it('keeps its places where too much goes on beside already', async () => {
    const { keep, later } = stand()
    const stuck = Array.from({ length: 128 }, work)
    const places = stuck.map(({ run }, index) => keep(`account ${index}`, run))
    later()
    await Promise.all(places)
    const one = work()
    const place = keep('one more', one.run)
    later()
    one.end()
    expect(await place).toBe('done')
  })
})
