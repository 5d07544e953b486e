import { describe, expect, it } from 'vitest'
import { slicesOf } from '../../src/core/slices.ts'
import { renderMarkdown } from '../../src/channels/github/render.ts'
import { statusCard } from '../../src/core/reply/card.ts'
import { Driver } from '../support/driver.ts'
import { alice, design, patch, said, settings, spec } from '../support/tasks.ts'

const SLICES = [
  { title: 'Prices', files: ['src/prices.ts', './test/prices.test.ts'] },
  { title: 'The page', files: ['src/page.ts'] },
]
const of = (slices: typeof SLICES, extra = {}) =>
  slicesOf({ design: { ...design(), slices }, settings: { ...settings, ...extra }, steps: [] })

describe('the parts of a design', () => {
  it('are worked on side by side where each has files of its own, and no other touches them', () => {
    expect(of(SLICES)).toEqual([
      { item: '1. Prices', title: 'Prices', files: ['src/prices.ts', 'test/prices.test.ts'] },
      { item: '2. The page', title: 'The page', files: ['src/page.ts'] },
    ])
  })

  it.each([
    ['one alone', SLICES.slice(0, 1), {}],
    ['the same file twice', [...SLICES, { title: 'More', files: ['src//page.ts'.replace('//', '/')] }], {}],
    ['no files', [...SLICES, { title: 'More', files: [] }], {}],
    ['one after the other, by the settings', SLICES, { schedule: { policy: 'sequential', most: 4 } }],
  ] as const)('are one piece of work: %s', (_why, slices, extra) => {
    expect(
      of(
        [...slices].map((one) => ({ ...one, files: [...one.files] })),
        extra,
      ),
    ).toEqual([])
  })
})

/** A task whose plan has two parts, and is approved. */
function planned(): Driver {
  const d = new Driver()
  d.step('baseline', { kind: 'baseline', baseline: { sha: 'base', under: 's', found: 'green', run: undefined } })
  d.step('spec', { kind: 'spec', spec: spec({ risk: 'low' }) })
  d.step('design', { kind: 'design', design: { ...design(), slices: SLICES } })
  return d
}
const done = (path: string) => ({ kind: 'patch', patch: patch({ diff: `diff of ${path}\n`, files: [path] }) }) as const

describe('a change in parts', () => {
  it('runs them at once, joins them when all are done, and pushes one commit', () => {
    const d = planned()
    expect(d.ready()).toEqual(['part', 'part.2'])
    expect(d.task.steps.find(({ id }) => id === 'part.2')).toMatchObject({ item: '2. The page', needs: ['design'] })
    d.step('part.2', done('src/page.ts'))
    expect(d.kinds()).not.toContain('git.push')
    expect(d.ready()).toEqual(['part'])
    d.step('part', done('src/prices.ts'))
    expect(d.ready()).toEqual(['join'])
    expect(d.task.steps.at(-1)?.needs.toSorted()).toEqual(['part', 'part.2'])
    d.step('join', { kind: 'patch', patch: patch() })
    expect(d.kinds().filter((kind) => kind === 'git.push')).toHaveLength(1)
    d.pushed('head1')
    expect(d.ready()).toEqual(['prove'])
  })

  it('is shown in parts from the beginning', () => {
    const card = renderMarkdown(statusCard(planned().task, 10_000), { redact: (text) => text })
    expect(card).toContain('Part 1. Prices')
    expect(card).toContain('Part 2. The page')
    expect(card).toContain('"SD: Parts ×2"')
    expect(card).toContain('- [ ] **SD** Change, joined')
    // One line: the parts come after the design, and the change after them alone.
    expect(card).toContain('  s0 --> s1 --> s2 --> s3 --> s4 --> s5')
  })

  it('waits for the part that failed; the others go on, and `retry` does what failed once more, and nothing else', () => {
    const d = planned()
    for (const id of ['part', 'part.2']) d.do({ type: 'step.start', step: id })
    const failed = (step: string) => d.do({ type: 'step.error', step, attempt: 1, error: { code: 'x', message: 'no' } })
    failed('part')
    expect(d.task.status).toBe('working')
    failed('part.2')
    expect(d.task.status).toBe('waiting')
    d.say({ verb: 'retry', text: '' }, alice)
    expect(d.ready()).toEqual(['part', 'part.2'])
    d.step('part', done('src/prices.ts'))
    d.do({ type: 'step.start', step: 'part.2' })
    d.do({ type: 'step.error', step: 'part.2', attempt: 2, error: { code: 'x', message: 'no' } })
    d.say({ verb: 'retry', text: '' }, alice)
    expect(d.ready()).toEqual(['part.2'])
  })

  it('is joined though the settings want one thing after the other by then', () => {
    const d = planned()
    d.step('part', done('src/prices.ts'))
    d.do({ type: 'step.start', step: 'part.2' })
    d.do({ type: 'step.error', step: 'part.2', attempt: 1, error: { code: 'x', message: 'no' } })
    const sequential = { ...d.task.settings, schedule: { policy: 'sequential', most: 1 } } as const
    d.do({ ...said({ verb: 'retry', text: '' }, alice, d.at + 1000), settings: sequential })
    expect(d.task.settings.schedule?.policy).toBe('sequential')
    d.step('part.2', done('src/page.ts'))
    expect(d.ready()).toEqual(['join'])
  })

  it('publishes no part that touches what is protected', () => {
    const d = planned()
    const result = { kind: 'patch', patch: patch({ files: ['.github/workflows/x.yml'] }) } as const
    d.do({ type: 'step.start', step: 'part' })
    expect(d.do({ type: 'step.result', step: 'part', attempt: 1, result }).decision.reason).toBe('protected_files')
    expect(d.task.steps.find(({ id }) => id === 'part')?.status).toBe('failed')
  })

  it('keeps what each had when the budget was reached on a branch of its own', () => {
    const d = planned()
    for (const id of ['part', 'part.2']) d.do({ type: 'step.start', step: id })
    const branches = ['part', 'part.2'].map((step) => {
      d.do({ type: 'budget', step, attempt: 1, patch: patch() })
      return d.last.effects.flatMap(({ body }) => (body.kind === 'git.push' ? [body.branch] : []))
    })
    expect(branches).toEqual([['muster/5-right-totals-wip-part-1'], ['muster/5-right-totals-wip-part-2-1']])
    // People are asked once, when nobody has anything left.
    expect(d.task.gates.map(({ kind }) => kind)).toEqual(['budget'])
    d.say({ verb: 'continue', usd: 5 }, alice)
    expect(d.task.gates).toEqual([])
    expect(d.ready()).toEqual(['part', 'part.2'])
  })
})
