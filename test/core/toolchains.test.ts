import fc from 'fast-check'
import { satisfies, validRange } from 'semver'
import { describe, expect, it } from 'vitest'
import { type Available, choose, rangeOf, toolOf, versionIn } from '../../src/core/toolchains.ts'

const python = (version: string, isThere = false): Available => ({ tool: 'python', version, isThere })

describe('a version as people write it', () => {
  it.each([
    ['20', '20'],
    ['v20.11.1', '20.11.1'],
    ['lts/iron', '20'],
    ['lts/*', '*'],
    ['3.11', '3.11'],
    ['>=3.9,<3.13', '>=3.9.0 <3.13.0-0'],
    ['>= 3.9, != 3.9.7', '>=3.9.0'],
    ['==3.11.*', '>=3.11.0 <3.12.0-0'],
    ['~=3.11', '>=3.11.0 <4.0.0-0'],
    ['~> 3.2.1', '>=3.2.1 <3.3.0-0'],
    ['^8.1 || ^8.3', '>=8.1.0 <9.0.0-0||>=8.3.0 <9.0.0-0'],
    ['temurin-17.0.9+9', '17.0.9'],
    ['17.0.9-tem', '17.0.9'],
    ['go1.22.3', '1.22.3'],
    ['1.8', '8'],
    ['stable', '*'],
  ])('%s is %s', (written, range) => expect(rangeOf(written)).toBe(range))

  it('is nothing where it cannot be told, and always something that npm reads', () => {
    for (const text of [
      '',
      'file:../x',
      'my-own-build',
      '$(touch x)',
      '; rm -rf /',
      '99999999999999999999',
      '1.99999999999999999999',
    ])
      expect(rangeOf(text)).toBe(undefined)
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        const range = rangeOf(text)
        expect(range === undefined || validRange(range) !== null).toBe(true)
        // It becomes a part of a program's argument.
        expect(range ?? '').toMatch(/^[\w.<>=~^|*+ -]*$/)
      }),
    )
  })

  it('is read from what programs say', () => {
    expect(versionIn('openjdk version "17.0.15" 2025-04-15')).toBe('17.0.15')
    expect(versionIn('go version go1.19.8 linux/amd64')).toBe('1.19.8')
    expect(versionIn('Python 3.13.0')).toBe('3.13.0')
    expect(versionIn('no number')).toBe(undefined)
  })
})

describe('which version is taken', () => {
  const all = [python('3.11.2', true), python('3.9.18'), python('3.12.1'), python('3.13.0')]

  it('is what every command finds, where it will do; else the highest', () => {
    expect(choose({ tool: 'python', range: '>=3.9' }, all)).toMatchObject({
      kind: 'exact',
      taken: { version: '3.11.2' },
    })
    expect(choose({ tool: 'python', range: '>=3.12' }, all)).toMatchObject({ taken: { version: '3.13.0' } })
    expect(choose({ tool: 'python', range: '3.9' }, all)).toMatchObject({ taken: { version: '3.9.18' } })
  })

  it('is another patch of the same minor version for a pin that is not there, and never another minor', () => {
    expect(choose({ tool: 'python', range: '3.12.7' }, all)).toMatchObject({
      kind: 'near',
      taken: { version: '3.12.1' },
    })
    expect(choose({ tool: 'python', range: '3.10.4' }, all)).toMatchObject({ kind: 'missing' })
    expect(choose({ tool: 'ruby', range: '*' }, all)).toEqual({ kind: 'missing', others: [] })
  })

  it('is a line of development only where that is asked for', () => {
    const rust: Available[] = [
      { tool: 'rust', version: '1.97.0', channel: 'nightly', isThere: false },
      { tool: 'rust', version: '1.95.0', isThere: false },
    ]
    expect(choose({ tool: 'rust', range: '*' }, rust)).toMatchObject({ taken: { version: '1.95.0' } })
    expect(choose({ tool: 'rust', range: '*', channel: 'nightly' }, rust)).toMatchObject({
      taken: { version: '1.97.0' },
    })
    expect(choose({ tool: 'rust', range: '*', channel: 'beta' }, rust)).toMatchObject({ kind: 'missing' })
  })

  it('is always one that was asked for, or of its minor version', () => {
    const versions = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3)).map((three) => three.join('.'))
    fc.assert(
      fc.property(
        fc.array(versions, { maxLength: 8 }),
        versions,
        fc.constantFrom('', '^', '~', '>='),
        (list, asked, sign) => {
          const range = `${sign}${asked}`
          const choice = choose(
            { tool: 'python', range },
            list.map((version) => python(version)),
          )
          if (choice.kind === 'exact') expect(satisfies(choice.taken.version, range)).toBe(true)
          else if (choice.kind === 'near')
            expect(satisfies(choice.taken.version, `~${asked.split('.').slice(0, 2).join('.')}`)).toBe(true)
          else expect(list.some((version) => satisfies(version, range))).toBe(false)
        },
      ),
    )
  })

  it('knows which tool brings a program, and takes no word for one', () => {
    expect(toolOf('cargo')).toBe('rust')
    for (const word of ['make', 'constructor', '__proto__', 'toString']) expect(toolOf(word)).toBe(undefined)
  })
})
