import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Finding, Reviewed } from '../../src/core/review/findings.ts'
import { hunkWith, shownIn } from '../../src/core/review/hunks.ts'
import { portionOf } from '../../src/core/review/portion.ts'
import { sift, withoutKnown } from '../../src/core/review/sift.ts'

const DIFF = `diff --git a/src/a.ts b/src/a.ts
index 1..2 100644
--- a/src/a.ts
+++ b/src/a.ts
@@ -1,3 +1,4 @@
 one
+++ b/evil.ts
-two
+two and a half
 three
@@ -20 +21,2 @@ function x() {
+new
 old
\\ No newline at end of file
diff --git a/old.ts b/old.ts
--- a/old.ts
+++ /dev/null
@@ -1 +0,0 @@
-gone
diff --git a/with space.ts b/with space.ts
--- a/with space.ts\t
+++ b/with space.ts\t
@@ -0,0 +1 @@
+x
`

it('what a diff shows of each file can be told from it, whatever its lines look like', () => {
  const shown = shownIn(DIFF)
  expect([...shown.keys()]).toEqual(['src/a.ts', 'with space.ts'])
  expect(shown.get('src/a.ts')?.hunks).toEqual([
    { from: 1, to: 4 },
    { from: 21, to: 22 },
  ])
  expect(hunkWith(shown.get('src/a.ts'), 2, 4)).toBeDefined()
  expect(hunkWith(shown.get('src/a.ts'), 4, 21)).toBeUndefined()
  fc.assert(fc.property(fc.string(), (text) => void shownIn(text)))
})

it('large changes are shown as far as they go, without what programs write, and the rest is named', () => {
  const file = (path: string, size: number) => `diff --git a/${path} b/${path}\n+++ b/${path}\n${'+x\n'.repeat(size)}`
  const { text, left } = portionOf(
    file('a.ts', 5) + file('package-lock.json', 5) + file('b.ts', 500) + file('c.ts', 5),
    300,
  )
  expect(left).toEqual(['package-lock.json', 'b.ts'])
  expect(text).toContain('a/c.ts')
})

const FINDING: Finding = {
  path: 'src/a.ts',
  from: 2,
  to: 3,
  severity: 'medium',
  title: 'Totals are rounded twice',
  detail: 'x',
  suggestion: '',
  replacement: 'y',
  test: null,
}
const run = { command: 't', exitCode: 1, seconds: 1, output: '' }
const shown = shownIn(DIFF)
const tried = (finding: Partial<Finding>, outcome?: 'passed' | { before: 'passes' | 'fails'; mended?: boolean }) => ({
  finding: { ...FINDING, ...finding },
  outcome: typeof outcome === 'object' ? { run, ...outcome } : outcome,
  anchor: 'const total = round(sum)',
})

it('a finding is kept where the change can be blamed for it and nothing refutes it', () => {
  const outcomes = sift(
    [
      tried({ title: 'kept' }),
      tried({ title: 'refuted' }, 'passed'),
      tried({ title: 'elsewhere', path: 'src/b.ts' }),
      tried({ title: 'broken elsewhere', path: 'src/b.ts' }, { before: 'passes' }),
      tried({ title: 'trifle', severity: 'low' }),
      tried({ title: 'shown trifle', severity: 'low' }, { before: 'fails' }),
      tried({ title: 'worst', severity: 'high' }),
    ],
    shown,
  )
  expect(outcomes.findings.map(({ title }) => title)).toEqual(['worst', 'kept', 'broken elsewhere', 'shown trifle'])
  expect(outcomes.left.map(({ title, why }) => `${title}: ${why}`)).toEqual([
    'refuted: refuted',
    'elsewhere: outside',
    'trifle: minor',
  ])
})

it('it stands at lines that are shown, and its replacement is offered only where it can be taken over and mends it', () => {
  const [inside] = sift([tried({})], shown).findings
  expect(inside).toMatchObject({ isInline: true, from: 2, to: 3, replacement: 'y' })
  const [reaching] = sift([tried({ from: 4, to: 19 })], shown).findings
  expect(reaching).toMatchObject({ isInline: true, from: 4, to: 4, replacement: null })
  const [beside] = sift([tried({ from: 50, to: 50 })], shown).findings
  expect(beside).toMatchObject({ isInline: false, replacement: null })
  const [useless] = sift([tried({}, { before: 'passes', mended: false })], shown).findings
  expect(useless?.replacement).toBeNull()
  const [ended] = sift([tried({ replacement: 'y\n' })], shown).findings
  expect(ended?.replacement).toBe('y')
  const [upside] = sift([tried({ from: 3, to: 2 })], shown).findings
  expect(upside).toMatchObject({ from: 2, to: 3 })
})

it('nothing is said twice: neither at the same line, wherever that has moved, nor in nearly the same words', () => {
  const of = (...all: ReturnType<typeof tried>[]): Reviewed => ({
    headSha: 'h',
    baseSha: 'b',
    looked: '',
    ...sift(all, shown),
  })
  const before = of(tried({}))
  const later = of(
    tried({ from: 21, to: 21, title: 'Something else about the same line' }),
    { ...tried({ from: 21, to: 21, title: 'Totals are rounded twice again' }), anchor: 'x' },
    { ...tried({ from: 21, to: 21, title: 'Orders are lost' }), anchor: 'save(order)' },
  )
  const { findings, left } = withoutKnown([before], later)
  expect(findings.map(({ title }) => title)).toEqual(['Orders are lost'])
  expect(left.map(({ why }) => why)).toEqual(['known', 'known'])
})
