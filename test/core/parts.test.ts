import fc from 'fast-check'
import { expect, it } from 'vitest'
import { markerIn, renderParts } from '../../src/channels/github/render.ts'
import { partMarker } from '../../src/core/reply/split.ts'
import type { Block } from '../../src/core/reply/document.ts'

const HOW = { redact: (text: string) => text }
const MARKER = 'muster:e1:0123456789abcdef0123456789abcdef'

it('leaves a short document as it is', () => {
  const [only, ...rest] = renderParts([{ kind: 'paragraph', text: 'Hello.' }], HOW, MARKER)
  expect(rest).toEqual([])
  expect(only).toBe(`<!-- ${MARKER} -->\nHello.`)
})

it('splits what is too long: within the limit, in order, numbered, nothing left out', () => {
  const words = fc.integer({ min: 1, max: 90_000 })
  // What is longer is not read as Markdown.
  const few = fc.integer({ min: 1, max: 20_000 })
  const block: fc.Arbitrary<Block> = fc.oneof(
    few.map((n): Block => ({ kind: 'paragraph', text: 'p'.repeat(n) })),
    words.map(
      (n): Block => ({
        kind: 'code',
        text: Array.from({ length: Math.ceil(n / 50) }, () => 'c'.repeat(50)).join('\n'),
        lang: '',
      }),
    ),
    words.map(
      (n): Block => ({
        kind: 'list',
        ordered: false,
        items: Array.from({ length: Math.ceil(n / 100) }, () => 'l'.repeat(100)),
      }),
    ),
    words.map(
      (n): Block => ({
        kind: 'table',
        head: ['a', 'b'],
        rows: Array.from({ length: Math.ceil(n / 60) }, () => ['t'.repeat(30), 't'.repeat(30)]),
      }),
    ),
    few.map((n): Block => ({ kind: 'details', summary: 'More', blocks: [{ kind: 'paragraph', text: 'd'.repeat(n) }] })),
  )
  const count = (text: string, letter: string) => text.split(letter).length - 1
  fc.assert(
    fc.property(fc.array(block, { minLength: 1, maxLength: 12 }), (document) => {
      const parts = renderParts(document, HOW, MARKER)
      const all = parts.join('')
      for (const [index, part] of parts.entries()) {
        expect(part.length).toBeLessThanOrEqual(65_536)
        expect(markerIn(part)).toBe(partMarker(MARKER, index))
        if (parts.length > 1) expect(part).toContain(`*${index + 1}/${parts.length}*`)
        expect(part).not.toContain('(cut:')
      }
      for (const one of document)
        if (one.kind === 'code') expect(count(all, 'c')).toBeGreaterThanOrEqual(count(one.text, 'c'))
      const wanted = document.reduce((sum, one) => sum + (one.kind === 'list' ? one.items.length * 100 : 0), 0)
      expect(count(all.replaceAll(/<\/?details>|<summary>|<\/summary>|<!--.*?-->/g, ''), 'l')).toBe(wanted)
    }),
    { numRuns: 40 },
  )
})
