import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasOddText, isTooDeep, jsonIn, parseJson } from '../../src/core/json.ts'

const bytes = (text: string) => Buffer.from(text)

/** How deep a value is nested, as whoever walks it finds. */
function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

/** Texts that look like the outside of texts. */
const tricky = fc.array(fc.constantFrom('[', ']', '{', '}', '"', '\\', '\\"', 'a', 'é', '\u0000'), { maxLength: 60 })
const text = tricky.map((parts) => parts.join(''))

describe('how deep JSON is nested', () => {
  it('is told as whoever walks the value finds it, whatever stands in its texts', () => {
    const wide = fc.array(fc.dictionary(text, text, { maxKeys: 4 }), { maxLength: 40 })
    const wrapped = fc.tuple(wide, fc.integer({ min: 0, max: 110 })).map(([inner, times]) => {
      let value: unknown = inner
      for (let n = 0; n < times; n++) value = n % 2 ? { '[': value } : [value, '{{']
      return value
    })
    fc.assert(fc.property(wrapped, (value) => isTooDeep(bytes(JSON.stringify(value))) === depthOf(value) > 100))
  })

  it('is no matter of how much opens side by side', () => {
    expect(isTooDeep(bytes(JSON.stringify(Array.from({ length: 5000 }, () => [{}]))))).toBe(false)
    expect(isTooDeep(bytes(JSON.stringify('['.repeat(5000))))).toBe(false)
    expect(isTooDeep(bytes('['.repeat(101)))).toBe(true)
    expect(isTooDeep(bytes('['.repeat(100)))).toBe(false)
  })

  it('is looked at before it is read: nothing runs out of stack', () => {
    expect(jsonIn(bytes(`${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`))).toBeUndefined()
  })
})

it('JSON is read as it is, but for what no database keeps', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(parseJson(JSON.stringify(value))).toEqual(
        JSON.parse(JSON.stringify(value).replaceAll('\\u0000', '\\ufffd')),
      )
    }),
  )
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('\\u0000', '\\ud83d', '\\ude00', 'a', '\\uD800'), { maxLength: 8 }),
      (parts) => {
        const read = parseJson(`{"text":"${parts.join('')}"}`)
        expect(read).toBeDefined()
        expect(hasOddText(read)).toBe(false)
      },
    ),
  )
  expect(parseJson('{"a":"\\ud83d\\ude00"}')).toEqual({ a: '😀' })
  expect(parseJson('{')).toBeUndefined()
  expect(hasOddText({ a: ['b', { 'c\0': 1 }] })).toBe(true)
})
