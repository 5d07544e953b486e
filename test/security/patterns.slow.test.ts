import { checkSync } from 'recheck'
import { describe, expect, it } from 'vitest'
import { findCommands, patternsFor } from '../../src/core/calls.ts'
import { withoutRepository } from '../../src/core/request.ts'
import { patternsIn } from '../support/patterns.ts'

/** security.md 60: no regular expression of the product takes more than its text's length, whatever the text is. */
const SRC = new URL('../../src/', import.meta.url).pathname
// Rehearsals read nobody's words but our own.
const { patterns, built } = patternsIn(SRC, (file) => /^(store\/generated|rehearsal)\//.test(file))

describe('60: regular expressions', () => {
  it('are all found', () => {
    expect(patterns.length).toBeGreaterThan(200)
    // What is put together at run time is tried below; its parts are escaped names.
    expect(built.map((one) => one.replace(/:\d+$/, '')).toSorted()).toEqual([
      'core/calls.ts',
      'core/calls.ts',
      'core/calls.ts',
      'core/request.ts',
      'http/consent.ts',
    ])
  })

  it('are linear', { timeout: 1_800_000 }, () => {
    const slow = patterns
      .map((pattern) => ({
        pattern,
        found: checkSync(pattern.source, pattern.flags, { timeout: 120_000 }),
      }))
      .filter(({ found }) => found.status !== 'safe')
      .map(({ pattern, found }) => `${pattern.file}:${pattern.line} ${pattern.source}: ${found.status}`)
    expect(slow).toEqual([])
  })

  it('that are put together at run time are as well', () => {
    // The same shapes, with names put in; the classes around them are what could be slow.
    const names = ['muster', 'a.b-c']
    for (const source of [
      ...Object.values(patternsFor(names)).map(({ source }) => source),
      `,?[ \\t]{0,3}(?:\\b(?:in|on|for|of)[ \\t]{1,3})?(?<![\\w/.])acme/web(?=$|[\\s),.;:!?])`,
      `(?:^|; )muster_link=([\\w-]{43})(?:;|$)`,
    ])
      expect([source, checkSync(source, 'i', { timeout: 10_000 }).status]).toEqual([source, 'safe'])
    expect(findCommands('@muster deploy production', names)).toMatchObject([{ verb: 'deploy' }])
    expect(withoutRepository('deploy production in acme/web', { owner: 'acme', name: 'web' })).toBe('deploy production')
  })
})
