import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { once } from '../../src/compose/once.ts'

it('is begun once by all who ask at the same time, and not again', async () => {
  const begun: string[] = []
  const work = once(async (by: string) => {
    await sleep(5)
    begun.push(by)
  })
  await Promise.all([work.begin('page'), work.begin('look')])
  await work.begin('later')
  expect(begun).toEqual(['page'])
  expect(work.isBegun()).toBe(true)
})

it('is begun again where it failed', async () => {
  let tries = 0
  const work = once<void>(async () => {
    await sleep(5)
    if (++tries === 1) throw new Error('no database')
  })
  await Promise.all([work.begin(), work.begin()].map((one) => expect(one).rejects.toThrow('no database')))
  expect(tries).toBe(1)
  expect(work.isBegun()).toBe(false)
  await work.begin()
  expect([tries, work.isBegun()]).toEqual([2, true])
})

it('is waited for by whoever ends it, however it ends; and is not begun after that', async () => {
  for (const fails of [false, true]) {
    const begun: string[] = []
    const work = once(async (by: string) => {
      await sleep(5)
      begun.push(by)
      if (fails) throw new Error('no database')
    })
    const page = work.begin('page').catch(() => {})
    await work.end()
    expect(begun).toEqual(['page'])
    // As a look that had asked the database before the end.
    await work.begin('look')
    await page
    expect(begun).toEqual(['page'])
  }
})
