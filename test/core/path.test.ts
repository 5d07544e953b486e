import { describe, expect, it } from 'vitest'
import { isShort } from '../../src/core/path.ts'
import { statusCard } from '../../src/core/reply/card.ts'
import { renderMarkdown } from '../../src/channels/github/render.ts'
import { Driver } from '../support/driver.ts'
import { alice, design, opened, origin, patch, said, settings, spec } from '../support/tasks.ts'

const together = { ...settings, planning: 'together' as const }
const driver = (more: Partial<typeof settings> = {}) => new Driver(opened({ settings: { ...together, ...more } }))
const card = (d: Driver) => renderMarkdown(statusCard(d.task, d.at), { redact: (text) => text }).replaceAll('*', '')

describe('as long as the work', () => {
  it('what is small is planned in one go, with the gates as they are', () => {
    const d = driver({ approvePlan: 'always' })
    expect(d.ready()).toEqual(['plan'])
    expect(card(d)).toMatch(/SA Plan[\s\S]*SD Change/)
    expect(card(d)).not.toMatch(/PM Spec|SA Design/)
    d.step('plan', { kind: 'plan', spec: spec(), design: design() })
    expect(d.task.gates).toMatchObject([{ kind: 'plan', hash: d.task.planHash }])
    expect(d.ready()).toEqual([])
    d.say({ verb: 'approve', sha: undefined })
    expect(d.ready()).toEqual(['build'])
    expect(d.task.steps.find(({ kind }) => kind === 'build')?.needs).toEqual(['plan'])
  })

  it('what turns out to be larger is designed by itself', () => {
    const d = driver()
    d.step('plan', { kind: 'plan', spec: spec({ risk: 'high' }), design: undefined })
    expect(d.ready()).toEqual(['design'])
    expect(card(d)).toMatch(/SA Plan[\s\S]*SA Design[\s\S]*SD Change/)
    d.step('design', { kind: 'design', design: design() })
    expect(d.task.gates).toMatchObject([{ kind: 'plan' }])
  })

  it('asks before it designs, whatever came with the questions, and plans again with the answer', () => {
    const d = driver()
    d.step('plan', { kind: 'plan', spec: spec({ questions: ['Which?'] }), design: design() })
    expect(d.task.design).toBeUndefined()
    expect(d.task.gates).toMatchObject([{ kind: 'question' }])
    expect(d.ready()).toEqual([])
    d.say({ verb: 'answer', text: 'The first.' })
    expect(d.ready()).toEqual(['plan'])
    d.step('plan', { kind: 'plan', spec: spec({ risk: 'low' }), design: design() })
    expect(d.ready()).toEqual(['build'])
    expect(d.task.notes.map(({ text }) => text)).toEqual(['The first.'])
  })

  it('what only wants an answer is answered', () => {
    const d = driver()
    d.step('plan', { kind: 'plan', spec: spec({ kind: 'question' }), design: design() })
    expect(d.task.design).toBeUndefined()
    expect(d.ready()).toEqual(['answer'])
  })

  it('a plan that is sent back is written again, and nothing of the first one is built', () => {
    const d = driver({ approvePlan: 'always' })
    d.step('plan', { kind: 'plan', spec: spec(), design: design('one way') })
    const first = d.task.planHash
    d.do(said({ verb: 'reject', text: 'another way' }, alice, d.at + 1000))
    expect(d.ready()).toEqual(['plan'])
    d.step('plan', { kind: 'plan', spec: spec(), design: design('another way') })
    expect(d.task.planHash).not.toBe(first)
    expect(d.ready()).toEqual([])
    // Written again, an approval says which it means.
    d.say({ verb: 'approve', sha: undefined })
    expect(d.ready()).toEqual([])
    d.say({ verb: 'approve', sha: d.task.planHash?.slice(0, 12) })
    d.step('build', { kind: 'patch', patch: patch() })
    expect(d.kinds()).toContain('git.push')
  })

  it('is told by the request and the settings', () => {
    expect(isShort({ settings: together, origin })).toBe(true)
    expect(isShort({ settings, origin })).toBe(false)
    expect(isShort({ settings: { ...settings, planning: undefined }, origin })).toBe(false)
    expect(isShort({ settings: together, origin: { ...origin, body: 'x'.repeat(9000) } })).toBe(false)
    const message = { by: 'a', authority: 'may write', at: 0, text: 'x', attached: [], isForwarded: false } as const
    const thread = Array.from({ length: 13 }, () => message)
    expect(isShort({ settings: together, origin: { ...origin, thread } })).toBe(false)
  })
})
