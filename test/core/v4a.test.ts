import fc from 'fast-check'
import { expect, it } from 'vitest'
import { pathsOf, readPatch } from '../../src/core/v4a.ts'

const patch = (...lines: readonly string[]) => readPatch(['*** Begin Patch', ...lines, '*** End Patch'].join('\n'))

it('a patch is read as its files, its hunks by their lines', () => {
  const changes = patch(
    '*** Update File: a.py',
    '@@ class A:',
    '@@     def f(self):',
    '     one',
    '-    two',
    '+    2',
    '',
    '@@',
    '-three',
    '*** End of File',
    '*** Add File: b.py',
    '+x',
    '*** Delete File: c.py',
    '*** Update File: d.py',
    '*** Move to: e.py',
  )
  expect(changes).toEqual([
    {
      kind: 'update',
      path: 'a.py',
      to: undefined,
      hunks: [
        { after: 'def f(self):', old: '    one\n    two\n', new: '    one\n    2\n' },
        { after: undefined, old: 'three', new: '' },
      ],
    },
    { kind: 'add', path: 'b.py', text: 'x\n' },
    { kind: 'delete', path: 'c.py' },
    { kind: 'update', path: 'd.py', to: 'e.py', hunks: [] },
  ])
  expect(typeof changes === 'string' ? [] : pathsOf(changes)).toEqual(['a.py', 'b.py', 'c.py', 'd.py', 'e.py'])
})

it('what is none says why', () => {
  expect(readPatch('x')).toContain('begins with a line')
  expect(patch()).toBe('it changes no file')
  expect(patch('x')).toContain('stands in no file')
  expect(patch('*** Add File: a', 'x')).toContain('begins with "+"')
  expect(patch('*** Update File: a')).toBe('a: nothing of it is changed')
  expect(patch('*** Update File: a', '+x')).toContain('no line of the file as it is')
  expect(patch('*** Update File: a', '?x')).toContain('begins with neither')
  fc.assert(fc.property(fc.string(), (text) => void readPatch(text)))
  fc.assert(fc.property(fc.array(fc.string()), (lines) => void patch('*** Update File: a', ...lines)))
})
