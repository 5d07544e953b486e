import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { renderMarkdown } from '../../src/channels/github/render.ts'
import { placesNamed } from '../../src/core/places.ts'
import { answerComment } from '../../src/core/reply/plan.ts'
import type { Task } from '../../src/core/task/types.ts'
import { opened } from '../support/tasks.ts'

const FILES = new Set(['src/a.ts', 'README.md', 'pkg/b_test.go', 'with-dash/c.py'])
const named = (text: string) => placesNamed(text, (path) => FILES.has(path)).map(({ path, line }) => `${path}:${line}`)

describe('the lines that an answer names', () => {
  it.each([
    ['see `src/a.ts:12` and src/a.ts:40:7', ['src/a.ts:12', 'src/a.ts:40']],
    ['in `src/a.ts` (line 12), `README.md` (lines 3–9)', ['src/a.ts:12', 'README.md:3']],
    ['src/a.ts#L5, ./src/a.ts, line 6; pkg/b_test.go line 7.', ['src/a.ts:5', 'src/a.ts:6', 'pkg/b_test.go:7']],
    ['[with-dash/c.py:8](somewhere) twice with-dash/c.py:8', ['with-dash/c.py:8']],
    ['src/none.ts:1, /etc/passwd:1, https://example.com:80, src/a.ts, a.ts:1, src/a.ts:0, src/a.ts:1234567', []],
    ['the file src/a.ts has 12 lines', []],
  ])('%s', (text, places) => expect(named(text)).toEqual(places))

  it('are of files that there are, a dozen at most, whatever is written', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('src/a.ts', ':', '1', '2', ' line ', '`', '#L', '/', '.', 'x'), { maxLength: 200 }),
        (parts) => {
          const places = placesNamed(parts.join(''), (path) => FILES.has(path))
          expect(places.length).toBeLessThanOrEqual(12)
          for (const { path, line } of places) expect(FILES.has(path) && line > 0).toBe(true)
        },
      ),
    )
  })
})

describe('the comment with an answer', () => {
  const { task } = opened()
  const shown = (answer: Task['answer']) =>
    renderMarkdown(answerComment({ ...task, answer }), { redact: (text) => text })
  const sha = 'a'.repeat(40)

  it('links to the lines at the commit that was read, in our own words', () => {
    const places = [
      { path: 'src/a.ts', line: 12 },
      { path: 'docs/a b#?.md', line: 1 },
    ]
    const text = shown({ answer: 'In src/a.ts:12. [evil](https://evil.example)', sha, places })
    expect(text).toContain(`At \`aaaaaaa\`: [src/a.ts:12](http://github.test/acme/shop/blob/${sha}/src/a.ts#L12)`)
    expect(text).toContain(`http://github.test/acme/shop/blob/${sha}/docs/a%20b%23%3F.md#L1`)
    expect(text).not.toMatch(/\]\(https:\/\/evil/)
  })

  it('is the answer alone where it names none, in histories from before, and where the address is none of the repository', () => {
    for (const answer of [{ answer: 'Because.' }, { answer: 'Because.', sha, places: [] }])
      expect(shown(answer).trim()).toBe('Because.')
    const elsewhere = { ...task, origin: { ...task.origin, url: 'https://chat.example/x' } }
    const document = answerComment({
      ...elsewhere,
      answer: { answer: 'Because.', sha, places: [{ path: 'a.ts', line: 1 }] },
    })
    expect(renderMarkdown(document, { redact: (text) => text }).trim()).toBe('Because.')
  })
})
