import { describe, expect, it } from 'vitest'
import type { EffectBody } from '../../src/core/effects.ts'
import { buttonsOf } from '../../src/core/reply/buttons.ts'
import type { Surface } from '../../src/core/said.ts'
import { Driver } from '../support/driver.ts'
import { markOf } from '../../src/core/showing/marks.ts'
import { alice, deployed, opened, patch, said, settings } from '../support/tasks.ts'

const thread: Surface = { channel: 'slack', team: 'T1', room: 'C1', thread: '1.2' }
const ticket: Surface = { channel: 'jira', site: 'acme.atlassian.net', ticket: '1', name: 'SHOP-1' }

function driver(): Driver {
  const d = new Driver()
  for (const surface of [thread, ticket]) d.do({ type: 'surface.link', surface, by: alice })
  return d
}

/** What is told in a place, as text. */
const told = (d: Driver, channel: string) =>
  d.last.effects
    .filter(({ body }) => body.kind === 'message' && body.surface.channel === channel)
    .map(({ body }) => JSON.stringify(body))

describe('a place whose token is not accepted', () => {
  const card = (d: Driver): EffectBody => ({
    kind: 'card.upsert',
    place: { repository: d.task.origin.repository, number: 0 },
    surface: ticket,
  })
  const fail = (d: Driver) =>
    d.do({
      type: 'effect.failed',
      key: 'card',
      kind: 'card.upsert',
      body: card(d),
      error: 'Jira does not accept the token',
      trouble: 'token',
    })

  it('is told of once elsewhere, and so is that it works again', () => {
    const d = driver()
    fail(d)
    expect(told(d, 'slack').join()).toContain('I cannot write to')
    expect(told(d, 'jira')).toEqual([])
    expect(fail(d).events).toEqual([])
    d.do({ type: 'surface.reached', surface: ticket })
    expect(told(d, 'slack').join()).toContain('I can write to')
    expect(d.do({ type: 'surface.reached', surface: ticket }).events).toEqual([])
  })

  it('is not told of again where it comes and goes, and is after a while', () => {
    const d = driver()
    fail(d)
    d.do({ type: 'surface.reached', surface: ticket })
    for (let nth = 0; nth < 5; nth++) {
      expect(fail(d).events).toEqual([])
      expect(d.do({ type: 'surface.reached', surface: ticket }).events).toEqual([])
    }
    d.at += 10 * 60_000
    fail(d)
    expect(told(d, 'slack').join()).toContain('I cannot write to')
  })
})

describe('a budget that was reached', () => {
  function reached(d: Driver, usd: number) {
    d.do({ type: 'step.start', step: 'build' })
    const { attempt = 0 } = d.task.steps.find(({ id }) => id === 'build') ?? {}
    d.do({ type: 'turn', step: 'build', costUsd: usd })
    return d.do({ type: 'budget', step: 'build', attempt, patch: patch() })
  }
  const keys = (d: Driver, kind: 'message' | 'message.upsert') =>
    d.last.effects.filter(({ body }) => body.kind === kind).map(({ key }) => key)
  const settled = (d: Driver) =>
    d.last.effects.filter(({ body }) => body.kind === 'message.upsert').map(({ body }) => JSON.stringify(body))

  it('asks each time by a message of its own, whose button is for that time', () => {
    const d = driver()
    d.plan()
    reached(d, 6)
    const first = keys(d, 'message')
    const button = () => buttonsOf(d.task).find(({ action }) => action === 'continue')?.value
    const value = button()
    expect(first.some((key) => key.includes('@slack'))).toBe(true)
    d.say({ verb: 'continue', usd: undefined })
    expect(settled(d).join()).toContain('Continued')
    expect(keys(d, 'message.upsert').every((key) => first.includes(key))).toBe(true)
    reached(d, 60)
    expect(keys(d, 'message').filter((key) => first.includes(key))).toEqual([])
    expect(button()).not.toBe(value)
  })

  it('waits for nobody once the work is cancelled', () => {
    const d = driver()
    d.plan()
    reached(d, 6)
    d.say({ verb: 'cancel', text: '' })
    expect(settled(d).join()).toContain('Cancelled')
    const again = driver()
    again.plan()
    reached(again, 6)
    again.say({ verb: 'continue', usd: 20 })
    again.say({ verb: 'cancel', text: '' })
    expect(settled(again).join()).not.toContain('Budget reached')
  })
})

describe('a decision', () => {
  const FROM = { channel: 'slack', url: 'https://acme.slack.com/archives/C1/p12' } as const
  const shown = (d: Driver) =>
    d.last.effects.flatMap(({ key, body }) =>
      body.kind === 'comment.upsert' || body.kind === 'message.upsert' ? [{ key, text: JSON.stringify(body) }] : [],
    )
  const asked = (d: Driver) =>
    d.last.effects.flatMap(({ key, body }) => (body.kind === 'comment' || body.kind === 'message' ? [key] : []))

  function atPlan(): Driver {
    const d = new Driver(opened({ settings: { ...settings, approvePlan: 'always' } }))
    for (const surface of [thread, ticket]) d.do({ type: 'surface.link', surface, by: alice })
    d.plan()
    return d
  }

  it('is written over what was asked, on every surface, and asks for nothing any more', () => {
    const d = atPlan()
    const keys = asked(d)
    expect(keys).toHaveLength(3)
    d.do({ ...said({ verb: 'approve', sha: undefined }, alice, d.at + 1000), from: FROM })
    expect(shown(d).map(({ key }) => key)).toEqual(keys)
    for (const { text } of shown(d)) {
      expect(text).toContain('Approved')
      expect(text).toContain(FROM.url)
      expect(text).toContain('UTC')
      expect(text).not.toContain('"ask"')
      expect(text).not.toContain('An approval counts')
    }
  })

  it('stays what it was when the work is cancelled afterwards', () => {
    const approved = atPlan()
    approved.say({ verb: 'approve', sha: undefined })
    approved.say({ verb: 'cancel', text: '' })
    expect(shown(approved)).toEqual([])
    const rejected = atPlan()
    rejected.say({ verb: 'reject', text: 'smaller, please' })
    expect(shown(rejected)[0]?.text).toContain('Rejected')
    rejected.say({ verb: 'cancel', text: '' })
    expect(shown(rejected)).toEqual([])
  })

  it('says that nobody is waited for where the work is cancelled at the gate', () => {
    const d = atPlan()
    d.say({ verb: 'cancel', text: '' })
    expect(shown(d).map(({ text }) => text.includes('Cancelled'))).toEqual([true, true, true])
  })
})

describe('the sign on a request', () => {
  const over = { ...opened().task, status: 'done' as const }
  const release = {
    index: 1,
    environment: 'staging',
    ref: undefined,
    requester: alice,
    plan: undefined,
    deploymentId: 1,
    report: undefined,
  }

  it('is ✅ only where what was asked for is there', () => {
    const merged = { ...over, merged: { sha: 'x', by: alice, at: 1 } }
    expect(markOf(merged)).toBe('done')
    expect(markOf(over)).toBe('warning')
    expect(markOf({ ...merged, releases: [{ ...release, deployed: deployed('x') }] })).toBe('done')
    expect(markOf({ ...merged, releases: [{ ...release, deployed: deployed('x', false) }] })).toBe('warning')
    expect(markOf({ ...merged, releases: [{ ...release, deployed: undefined }] })).toBe('warning')
    expect(markOf({ ...over, workflow: 'question' })).toBe('done')
  })
})
