import fc from 'fast-check'
import { expect, it } from 'vitest'
import { asStored } from '../../src/core/stored.ts'

it('a value has one order, whatever order it was written in, and stays what it is', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const turned = Object.fromEntries(Object.entries(value).toReversed())
      expect(JSON.stringify(asStored(turned))).toBe(JSON.stringify(asStored(value)))
      expect(asStored(value)).toEqual(value)
      expect(JSON.stringify(asStored(asStored(value)))).toBe(JSON.stringify(asStored(value)))
    }),
  )
  expect(JSON.stringify(asStored({ path: 1, lines: 2, from: [{ bb: 1, a: 2 }] }))).toBe(
    '{"from":[{"a":2,"bb":1}],"path":1,"lines":2}',
  )
})
