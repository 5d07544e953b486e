import { describe, expect, it } from 'vitest'
import { renderMarkdown } from '../../src/channels/github/render.ts'
import { type OpenBranch, underWay } from '../../src/core/elsewhere.ts'
import { statusCard } from '../../src/core/reply/card.ts'
import { planComment } from '../../src/core/reply/plan.ts'
import { evolve } from '../../src/core/task/evolve.ts'
import { design, opened, spec } from '../support/tasks.ts'

const branch = (name: string, more: Partial<OpenBranch> = {}): OpenBranch => ({
  name,
  sha: 'a',
  author: 'Bob',
  at: 1,
  files: [],
  subjects: ['x'],
  ...more,
})
const found = (branches: readonly OpenBranch[]) =>
  underWay(branches, { number: 12, files: ['src/a.ts', 'test/a.test.ts'], own: 'muster/12-fix-it' }).map(
    ({ branch: name, sameIssue, files }) => `${name}${sameIssue ? ' issue' : ''} ${files.join()}`.trim(),
  )

describe('work of others', () => {
  it('is on the same issue by the name of its branch or what it closes, and by nothing that only looks like it', () => {
    const names = ['12-totals', 'fix/12', 'issue-12', 'bob/gh-12-x', 'fix/totals-12']
    expect(found(names.map((name) => branch(name)))).toEqual(names.slice(0, 4).map((name) => `${name} issue`))
    expect(found([branch('x', { subjects: ['Fix totals (#12)'] })])).toEqual(['x issue'])
    for (const other of ['release-1.12', 'v12', 'feature/120', '112-x'])
      expect(found([branch(other)]), other).toEqual([])
    expect(found([branch('y', { subjects: ['see #123', 'a #12x'] })])).toEqual([])
  })

  it('is on the same files, what shares most of them first, after what is about the issue; a handful at most', () => {
    const both = branch('both', { files: ['src/a.ts', 'test/a.test.ts', 'other'] })
    const one = branch('one', { files: ['src/a.ts'], at: 9 })
    expect(found([one, branch('none', { files: ['other'] }), both, branch('12-x')])).toEqual([
      '12-x issue',
      'both src/a.ts,test/a.test.ts',
      'one src/a.ts',
    ])
    expect(found(Array.from({ length: 20 }, (_, nth) => branch(`b${nth}`, { files: ['src/a.ts'] })))).toHaveLength(5)
  })

  it('is never this task’s own branch', () => {
    const own = ['muster/12-fix-it', 'muster/12-fix-it-wip-1'].map((name) => branch(name, { files: ['src/a.ts'] }))
    expect(found(own)).toEqual([])
    // Another task's of the same issue is.
    expect(found([branch('muster/12-fix-it-2', { files: ['src/a.ts'] })])).toHaveLength(1)
  })

  it('is named with the plan and on the card before anything is coded, in words that are nobody’s markup', () => {
    const { task } = opened()
    const planned = evolve(
      { ...task, spec: spec() },
      {
        type: 'design.written',
        design: design(),
        planHash: 'x',
        elsewhere: [
          {
            branch: 'x`@all',
            author: '@everyone [a](https://evil.example)',
            at: 1,
            sameIssue: true,
            files: ['src/a.ts'],
          },
        ],
      },
      2,
    )
    for (const document of [planComment(planned), statusCard(planned, 3)]) {
      const text = renderMarkdown(document, { redact: (one) => one })
      expect(text).toContain('Others are at work on the same')
      expect(text).toContain('names this issue and changes `src/a.ts` too')
      expect(text).not.toMatch(/(^|[^\w`])@(?:everyone|all)\b|\]\(https:\/\/evil/)
    }
  })
})
