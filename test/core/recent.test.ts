import { expect, it } from 'vitest'
import { Recent } from '../../src/core/recent.ts'

it('what was asked for last is kept, the others go and are told of; what failed is made anew', async () => {
  const gone: string[] = []
  const made: string[] = []
  const recent = new Recent<string, string>(2, (value) => void gone.push(value))
  const get = (key: string) => recent.get(key, () => (made.push(key), `of ${key}`))
  for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) expect(get(key)).toBe(`of ${key}`)
  expect(made).toEqual(['a', 'b', 'c', 'b'])
  expect(gone).toEqual(['of b', 'of c'])
  let tries = 0
  const failing = new Recent<string, Promise<number>>(2)
  const ask = () => failing.get('x', async () => (++tries === 1 ? Promise.reject(new Error('no')) : tries))
  await expect(ask()).rejects.toThrow('no')
  expect([await ask(), await ask()]).toEqual([2, 2])
})
