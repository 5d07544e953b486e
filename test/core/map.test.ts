import fc from 'fast-check'
import { expect, it } from 'vitest'
import { digestOf } from '../../src/core/digest.ts'
import { mapOf, namesIn } from '../../src/core/map.ts'

it('names what of a request most likely stands in the code, and no prose', () => {
  expect(
    namesIn(
      'Calling `quote(12)` in src/pricing/quote.ts is wrong: loadCatalogue and do_xmlattr sort by text. See PriceTable, os.path and --dry-run. It should be right. https://example.com/a/b',
    ),
  ).toEqual(['quote(12', 'src/pricing/quote.ts', 'loadCatalogue', 'do_xmlattr', 'PriceTable', 'os.path', '--dry-run'])
  expect(namesIn('The totals are wrong, and nobody knows why.')).toEqual([])
})

it('shows few files one by one, and of many the folders', () => {
  expect(mapOf(['b.ts', 'src/a.ts'])).toBe('b.ts\nsrc/a.ts')
  const many = Array.from({ length: 4000 }, (_, nth) => `packages/p${nth % 40}/src/deep/f${nth}.ts`)
  const map = mapOf([...many, 'package.json'])
  expect(map).toContain('package.json')
  expect(map).toContain('packages/p0/ (100 files)')
  expect(map).toContain('(4001 files in all)')
  expect(map.length).toBeLessThan(5100)
})

it('never takes long and never shows more than it may, whatever is written', () => {
  fc.assert(
    fc.property(
      fc.string({ maxLength: 5000 }),
      fc.array(fc.string({ maxLength: 300 }), { maxLength: 400 }),
      (text, paths) => {
        expect(namesIn(text).length).toBeLessThanOrEqual(10)
        expect(mapOf(paths).length).toBeLessThan(6000)
        expect(digestOf(text, 500).length).toBeLessThan(700)
      },
    ),
  )
})

it('tells of failing tests from their beginnings: the stacks below say little', () => {
  const stack = Array.from({ length: 40 }, (_, nth) => `    at frame${nth} (/x.js:${nth}:1)`).join('\n')
  const output = Array.from(
    { length: 30 },
    (_, nth) => `✖ test ${nth} (3ms)\n  AssertionError: ${nth} is not ${nth + 1}\n${stack}`,
  ).join('\n')
  const digest = digestOf(output, 6000)
  expect(digest).toContain('AssertionError: 0 is not 1')
  expect(digest).toContain('AssertionError: 11 is not 12')
  expect(digest).not.toContain('frame20')
  expect(digest).toContain('18 left out')
  const pytest = `${'x'.repeat(9000)}\n________ test_one ________\n\n    def test_one():\n>       assert 1 == 2\nE       assert 1 == 2\n${'y\n'.repeat(500)}FAILED t.py::test_one - assert 1 == 2`
  expect(digestOf(pytest, 3000)).toContain('E       assert 1 == 2')
  expect(digestOf('short', 3000)).toBe('short')
})
