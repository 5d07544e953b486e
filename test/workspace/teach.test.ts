import { afterAll, describe, expect, it } from 'vitest'
import { call, smallRepository } from '../support/clone.ts'

const { inClone, dispose } = await smallRepository()
afterAll(dispose)

describe('tools that teach', () => {
  const CODE = Array.from(
    { length: 400 },
    (_, nth) => `const line${nth + 1} = ${nth % 7 === 0 ? "'seven'" : nth}`,
  ).join('\n')

  it('show a file whole as far as they show it, and never a hole', async () => {
    await inClone(async (checkout) => {
      await call(checkout, 'write', { path: 'long.js', content: `${CODE}\n`.repeat(4) })
      const first = (await call(checkout, 'read', { path: 'long.js' }))?.text ?? ''
      const [, last = '', next = ''] = /lines 1 to (\d+) of 1600[\s\S]*more lines: read from (\d+)\)$/.exec(first) ?? []
      expect(Number(next)).toBe(Number(last) + 1)
      const numbers = first.split('\n').flatMap((line) => /^(\d+)\t/.exec(line)?.[1] ?? [])
      expect(numbers).toEqual(Array.from({ length: Number(last) }, (_, nth) => String(nth + 1)))
      await call(checkout, 'write', { path: 'wide.js', content: `${'x'.repeat(30_000)}\nend\n` })
      const wide = (await call(checkout, 'read', { path: 'wide.js' }))?.text ?? ''
      expect(wide).toContain('28000 more characters in this line')
      expect(wide).toContain('2\tend')
    })
  })

  it('say where a text that is not there was most likely meant', async () => {
    await inClone(async (checkout) => {
      await call(checkout, 'write', { path: 'a.js', content: `${CODE}\n` })
      const miss = async (old: string) => (await call(checkout, 'edit', { path: 'a.js', old, new: 'y' }))?.text ?? ''
      expect(await miss('  const line3 = 2\n\tconst line4 = 3')).toMatch(
        /Only the space differs there, lines 3 to 4:\n3\tconst line3/,
      )
      expect(await miss('const line9 = 8\nconst line10 = 10\nconst line11 = 10')).toContain('nearest, lines 9 to 11')
      expect(await miss('nothing like it')).toBe('the old text does not stand in a.js')
      expect(await miss("'seven'")).toMatch(/stands in a.js 20 times \(lines 1, 8, 15/)
    })
  })

  it('make several edits at once, all of them or none', async () => {
    await inClone(async (checkout) => {
      await call(checkout, 'write', { path: 'a.js', content: 'one\ntwo\nthree\ntwo\n' })
      const edits = [
        { old: 'one', new: '1' },
        { old: 'four', new: '4' },
      ]
      expect(await call(checkout, 'edit', { path: 'a.js', edits })).toMatchObject({
        isError: true,
        text: expect.stringMatching(/^edit 2 of 2: .*\nNothing was changed\.$/),
      })
      expect((await call(checkout, 'read', { path: 'a.js' }))?.text).toContain('1\tone')
      const all = [edits[0], { old: 'two', new: '2', all: true }]
      expect((await call(checkout, 'edit', { path: 'a.js', edits: all }))?.text).toBe(
        'edited a.js\n1\t1\n2\t2\n3\tthree\n4\t2',
      )
      expect((await call(checkout, 'edit', { path: 'a.js' }))?.text).toContain('give `old` and `new`, or `edits`')
    })
  })

  it('take a patch as some models write it, all of it or nothing, and touch nothing that may not be touched', async () => {
    await inClone(async (checkout) => {
      await call(checkout, 'write', {
        path: 'a.js',
        content: 'function one() {\n  go()\n}\nfunction two() {\n  go()\n}\n',
      })
      await call(checkout, 'write', { path: 'old.js', content: 'old\n' })
      const patch = (...lines: string[]) =>
        call(checkout, 'apply_patch', { input: ['*** Begin Patch', ...lines, '*** End Patch'].join('\n') })
      const second = ['*** Update File: a.js', '@@ function two() {', '-  go()', '+  stop()', ' }']
      // One file of it does not fit.
      expect(await patch(...second, '*** Update File: old.js', '-new', '+newer')).toMatchObject({ isError: true })
      expect((await call(checkout, 'read', { path: 'a.js' }))?.text).not.toContain('stop')
      const done = await patch(
        ...second,
        '*** Add File: b/new.js',
        '+one',
        '+',
        '*** Update File: old.js',
        '*** Move to: b/old.js',
        '-old',
        '+moved',
      )
      expect(done).toMatchObject({ isError: false })
      expect((await call(checkout, 'read', { path: 'a.js' }))?.text).toContain(
        '2\t  go()\n3\t}\n4\tfunction two() {\n5\t  stop()',
      )
      expect((await call(checkout, 'read', { path: 'b/new.js' }))?.text).toContain('1\tone\n2\t')
      expect((await call(checkout, 'read', { path: 'b/old.js' }))?.text).toContain('moved')
      expect((await call(checkout, 'read', { path: 'old.js' }))?.isError).toBe(true)
      expect((await patch('*** Delete File: b/old.js'))?.text).toBe('deleted b/old.js')
      for (const path of ['../out.js', '.git/hooks/x', '/etc/x', '.github/workflows/x.yml'])
        expect((await patch(`*** Add File: ${path}`, '+x'))?.isError, path).toBe(true)
      expect((await patch('*** Update File: a.js', '*** Move to: .github/x.yml', '-  stop()', '+  x()'))?.isError).toBe(
        true,
      )
      const twice = ['*** Update File: a.js', '-  go()', '+  a()', '*** Update File: a.js', '-  stop()', '+  b()']
      expect((await patch(...twice))?.text).toContain('named twice')
      expect((await patch('*** Update File: a.js', '*** Move to: b/new.js', '-  stop()', '+  b()'))?.text).toContain(
        'there already',
      )
      expect((await patch('a line'))?.text).toContain('stands in no file')
    })
  })

  it('take whatever signs a text has, and go on after what is no question', async () => {
    await inClone(async (checkout) => {
      const content = 'one\u2028two\u2029three\u0085\u000bfour \ud83d\ude00\n'
      expect(await call(checkout, 'write', { path: 'signs.txt', content })).toMatchObject({ isError: false })
      expect((await checkout.run(['cat', 'signs.txt'])).output).toBe(content)
      expect(await call(checkout, 'edit', { path: 'signs.txt', old: 'one\u2028two', new: '1\u20282' })).toMatchObject({
        isError: false,
      })
      expect((await checkout.run(['cat', 'signs.txt'])).output).toContain('1\u20282')
    })
  })

  it('search by name and with the lines around', async () => {
    await inClone(async (checkout) => {
      await call(checkout, 'write', { path: 'deep/a.js', content: 'a\nneedle\nb\n' })
      await call(checkout, 'write', { path: 'deep/a.txt', content: 'needle\n' })
      const text = (await call(checkout, 'search', { pattern: 'needle', path: 'deep', glob: '*.js', context: 1 }))?.text
      expect(text).toBe('deep/a.js-1-a\ndeep/a.js:2:needle\ndeep/a.js-3-b')
      expect((await call(checkout, 'search', { pattern: 'needle', path: '../x' }))?.isError).toBe(true)
    })
  })

  it('say how long a slow command took, and tell of failing tests from their beginnings', async () => {
    await inClone(async (checkout) => {
      const script =
        "for (let i = 0; i < 300; i++) console.log('not ok ' + i + ' - test ' + i + '\\n' + '    at stack (/x.js:1:1)\\n'.repeat(30) + '# tests 300')"
      const { text = '' } = (await call(checkout, 'run', { command: `node -e "${script}"` })) ?? {}
      expect(text.length).toBeLessThan(9000)
      expect(text).toMatch(/not ok 0 - test 0[\s\S]*not ok 5 - test 5/)
      expect(text).toContain('288 left out')
      expect(text).toContain('# tests 300')
    })
  })
})
