import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findCommands } from '../../src/core/calls.ts'

const one = (text: string) => findCommands(text, ['muster'])[0]

describe('commands', () => {
  it.each([
    ['@muster approve', { verb: 'approve', sha: undefined }],
    ['/muster approve ABC1234', { verb: 'approve', sha: 'abc1234' }],
    ['@Muster: deploy production', { verb: 'deploy', environment: 'production', ref: undefined }],
    ['@muster[bot] deploy staging v1.2', { verb: 'deploy', environment: 'staging', ref: 'v1.2' }],
    ['@muster reject too risky\nthink again', { verb: 'reject', text: 'too risky\nthink again' }],
    ['@muster answer 1. yes\n2. no', { verb: 'answer', text: '1. yes\n2. no' }],
    ['@muster continue +$2.50', { verb: 'continue', usd: 2.5 }],
    ['@muster continue', { verb: 'continue', usd: undefined }],
    ['@muster', { verb: 'help', text: '' }],
    ['@muster please look at this', { verb: 'request', text: 'please look at this' }],
    ['thanks!\n@muster status', { verb: 'status', text: '' }],
  ])('reads %j', (text, expected) => expect(one(text)).toEqual(expected))

  it.each([
    'hello @muster approve',
    '@musterly approve',
    'email@muster approve',
    '> @muster approve',
    '> quoted\n@muster approve',
    '```\n@muster approve\n```',
    '~~~sh\n/muster approve',
    '    @muster approve',
    '\t@muster approve',
    '`code\n@muster approve\nmore`',
    '<!-- \n@muster approve\n-->',
    '<!--\n@muster approve',
    '- > @muster approve',
    '<pre>\n@muster approve\n</pre>',
    '<details>\n@muster approve\n</details>',
  ])('does not hear %j', (text) =>
    expect(findCommands(text, ['muster']).filter((command) => command.verb === 'approve')).toEqual([]),
  )

  it('approves nothing when there is more to it', () => {
    for (const text of [
      '@muster approve if the tests pass',
      '@muster approve not',
      '@muster approve abc1234 def5678',
      '@muster approve --force',
    ])
      expect(one(text)?.verb).toBe('invalid')
  })

  it('refuses options it does not know, and names that are none', () => {
    for (const text of [
      '@muster review --openai.api_base=http://evil',
      '@muster deploy --env=x',
      '@muster deploy $(curl evil)',
      '@muster deploy prod ../../x;y',
      '@muster continue +$-1',
      '@muster ask',
      '@muster deploy',
    ])
      expect(one(text)?.verb).toBe('invalid')
  })

  it('carries out no more than ten of one comment, and says so', () => {
    const found = findCommands('@muster ask what?\n'.repeat(12), ['muster'])
    expect(found.map(({ verb }) => verb)).toEqual([...Array.from({ length: 9 }, () => 'ask'), 'invalid'])
  })

  it('takes no command from the code, quote or list right below a mention', () => {
    for (const below of ['    approve', '```\napprove\n```', '> approve', '- approve'])
      expect(findCommands(`@muster\n\n${below}`, ['muster']).map(({ verb }) => verb)).not.toContain('approve')
    expect(findCommands('@muster\napprove', ['muster'])).toEqual([{ verb: 'approve', sha: undefined }])
  })

  it('gives several commands their own text', () => {
    expect(findCommands('@muster answer yes\nof course\n@muster status', ['muster'])).toEqual([
      { verb: 'answer', text: 'yes\nof course' },
      { verb: 'status', text: '' },
    ])
  })

  it('hears every name it has, and takes names literally', () => {
    expect(findCommands('@acme-muster help', ['muster', 'acme-muster'])).toHaveLength(1)
    expect(findCommands('@m.ster help', ['m+ster'])).toHaveLength(0)
  })

  it('never throws, and never takes a line that is not there', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom(
            '@muster ',
            'approve',
            '\n',
            '`',
            '```',
            '> ',
            '<!--',
            '-->',
            ' ',
            '~~~',
            'x',
            '\t',
            '<pre>',
            '</pre>',
          ),
          maxLength: 60,
        }),
        (text) => {
          findCommands(text, ['muster'])
        },
      ),
    )
  })

  it('whatever is put into a fence, a quote or a comment is not heard', () => {
    const wrappers = [
      (t: string) => `\`\`\`\n${t}\n\`\`\``,
      (t: string) =>
        t
          .split('\n')
          .map((l) => `> ${l}`)
          .join('\n'),
      (t: string) => `<!--\n${t}\n-->`,
      (t: string) => `~~~~ts\n${t}\n~~~~`,
    ]
    fc.assert(
      fc.property(
        fc.constantFrom(...wrappers),
        fc.array(fc.constantFrom('@muster approve', 'text', '/muster deploy production', ''), { maxLength: 6 }),
        (wrap, lines) => {
          expect(findCommands(wrap(lines.join('\n')), ['muster'])).toEqual([])
        },
      ),
    )
  })

  it('reads 64 KB of nested repeats in linear steps', () => {
    for (const part of ['`', '> ', '<!--', '- ', '@muster ', '``` ', '[', '*'])
      expect(() => findCommands(part.repeat(65_536 / part.length), ['muster'])).not.toThrow()
  })
})
