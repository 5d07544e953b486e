import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ownersOf } from '../../src/core/owners.ts'
import { isWho } from '../../src/core/standing.ts'

const FILE = `# who owns what
*            @alice            # unless somebody else does
/docs/       @acme/writers
*.sql        @acme/data @bob   mail@example.com
/apps/**/api @carol
/build/logs/
/apps/legacy
!/apps/shop  @mallory
[abc].ts     @mallory
/lib/*       @dora
/src/**/*    @emu_acme
\\#odd        @mallory
/docs/       @mallory and-somebody
`

describe('who owns files', () => {
  it.each([
    ['README.md', ['@alice']],
    ['docs/a/b.md', ['@acme/writers']],
    ['lib/docs/a.md', ['@alice']],
    ['docs/schema.sql', ['@acme/data', '@bob']],
    ['apps/one/two/api', ['@carol']],
    ['apps/one/api/index.ts', ['@carol']],
    ['apps/legacy/x.ts', []],
    ['build/logs/today', []],
    ['a.ts', ['@alice']],
    ['Docs/a.md', ['@alice']],
    ['lib/one.js', ['@dora']],
    ['lib/deep/one.js', ['@alice']],
    ['src/any/where.ts', ['@emu_acme']],
    ['#odd', ['@alice']],
  ])('%s: %s', (path, owners) => {
    expect(ownersOf(FILE, [path])).toEqual(owners)
  })

  it('are those of any of the files, each once', () => {
    expect(ownersOf(FILE, ['README.md', 'x.sql', 'y.sql'])).toEqual(['@alice', '@acme/data', '@bob'])
    expect(ownersOf('a @Alice\nb @alice', ['a', 'b'])).toEqual(['@alice'])
    expect(ownersOf(FILE, [])).toEqual([])
    expect(ownersOf('', ['a'])).toEqual([])
  })

  it('are people and teams, whatever the file has in it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.array(fc.string({ unit: 'binary' })), (text, files) => {
        for (const one of ownersOf(text, files)) expect(isWho(one)).toBe(true)
      }),
    )
  })
})
