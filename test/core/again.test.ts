import { describe, expect, it } from 'vitest'
import { plainDocument } from '../../src/core/reply/plain.ts'
import { statusCard } from '../../src/core/reply/card.ts'
import { releasePlanComment } from '../../src/core/reply/release.ts'
import { Driver } from '../support/driver.ts'
import { alice, bob, deployed, design, opened, proof, releasePlan, report, said, spec } from '../support/tasks.ts'

const DEPLOY = { verb: 'deploy', environment: 'production', ref: undefined } as const

/** The same release over and over, each asked for and planned anew. */
class Deploying extends Driver {
  #nth = 0
  /** The one step that can be worked on. */
  next(kind: string) {
    const [id = 'none'] = this.ready()
    expect(id).toContain(kind)
    return id
  }
  ask() {
    if (this.#nth > 0 || this.task.workflow !== 'deploy') this.say(DEPLOY)
    this.#nth++
    const plan = { ...releasePlan('merge1'), hash: `plan-${this.#nth}` }
    this.step(this.next('release_plan'), { kind: 'release_plan', plan })
    expect(this.task.gates[0]?.kind).toBe('deploy')
  }
  approve() {
    this.say({ verb: 'approve', sha: undefined }, bob)
    this.recorded(this.#nth)
  }
  watched() {
    this.step(this.next('deploy'), { kind: 'deployed', deployed: deployed('merge1') })
    this.step(this.next('watch'), { kind: 'report', report: report('merge1') })
  }
}

/** A task that begins with a deploy, or one whose change is merged. */
function deploying(workflow: 'deploy' | 'change'): Deploying {
  if (workflow === 'change') {
    const d = new Deploying()
    d.built()
    d.step('prove', { kind: 'proof', proof: proof('head1', true) })
    d.do({ type: 'merged', by: bob, sha: 'merge1' })
    return d
  }
  const start = opened({ workflow: 'deploy' })
  const d = new Deploying(start)
  d.say(DEPLOY)
  return d
}

describe.each(['deploy', 'change'] as const)('a deploy in a task of the workflow %s', (workflow) => {
  it('may be rejected and asked for again, and the work is over after it', () => {
    const d = deploying(workflow)
    d.ask()
    d.say({ verb: 'reject', text: 'not before lunch' }, bob)
    expect(d.task.status).toBe('done')
    d.ask()
    d.approve()
    d.watched()
    expect(d.task).toMatchObject({ status: 'done', outcome: 'deployed to production: healthy' })
    d.ask()
    expect(plainDocument(statusCard(d.task, d.at))).toContain('Live on **production**')
  })

  it('may be cancelled and asked for again: what is merged stays so', () => {
    const d = deploying(workflow)
    d.ask()
    const said = d.say({ verb: 'cancel', text: '' }, bob)
    expect(plainDocument(said.reply ?? [])).toContain('nothing was deployed')
    expect(d.task.status).toBe('done')
    expect(plainDocument(statusCard(d.task, d.at))).toContain('Ended, not released')
    expect(d.last.effects.find(({ key }) => key === 'comment:release:1')?.body.kind).toBe('comment.upsert')
    d.ask()
    d.approve()
    d.say({ verb: 'cancel', text: '' }, bob)
    // What was approved before is not deployed by what is asked for afterwards.
    d.ask()
    expect(d.ready()).toEqual([])
    d.approve()
    expect(d.ready()).toEqual(['deploy.2'])
  })
})

it('a deploy that was cancelled before GitHub had a record of it may be asked for again', () => {
  const d = deploying('change')
  d.ask()
  d.say({ verb: 'approve', sha: undefined }, bob)
  d.say({ verb: 'cancel', text: '' }, bob)
  expect(d.say(DEPLOY).decision.reason).toBe('deploy_requested')
  // The record that comes late is of the one before.
  const before = d.task.version
  d.recorded(1)
  expect(d.task.version).toBe(before)
  expect(d.ready()).toEqual(['release_plan.2'])
})

it('a late `continue` that was meant for the tests adds nothing to the budget', () => {
  const d = new Driver(opened(), 'broken')
  const asked = d.at
  d.at += 400_000
  d.say({ verb: 'continue', usd: undefined }, bob)
  d.do({ type: 'step.start', step: 'spec' })
  d.do({ type: 'budget', step: 'spec', attempt: 1, patch: undefined })
  const late = d.do({ ...said({ verb: 'continue', usd: undefined }, alice, d.at + 5000), writtenAt: asked })
  expect(late.decision.reason).toBe('stale')
  expect(d.task.budgetUsd).toBe(5)
})

it('what had not begun when an issue could not be opened goes on from it', () => {
  const base = opened()
  const d = new Driver(opened({ origin: { ...base.task.origin, number: 0, opensIssue: true } }), 'not run')
  const place = { repository: base.task.origin.repository, number: 0 }
  const body = { kind: 'issue.open', place, title: 't', document: [] } as const
  d.do({ type: 'effect.failed', key: 'issue', kind: 'issue.open', error: 'no', body })
  expect(d.task.status).toBe('handed_off')
  d.say({ verb: 'retry', text: '' })
  d.do({ type: 'effect.done', key: 'issue', kind: 'issue.open', result: { number: 7, url: 'u' }, body })
  expect(d.ready()).toEqual(['baseline'])
})

it('whoever approves a release is told that nothing was proved', () => {
  const d = new Deploying()
  d.built()
  const open = { ...proof('head1', false).verdict, red: false, green: false, suite: false, open: true }
  d.step('prove', { kind: 'proof', proof: { ...proof('head1', false), verdict: open } })
  d.do({ type: 'merged', by: bob, sha: 'merge1' })
  d.ask()
  const release = d.task.releases.at(-1)
  expect(plainDocument(release ? releasePlanComment(d.task, release) : [])).toContain('nothing is proved')
})

describe('a plan that is written again', () => {
  it('is asked about again, though it is the same', () => {
    const d = new Driver()
    d.plan('medium')
    const first = d.last.effects.find(({ key }) => key.startsWith('comment:plan:'))?.key
    d.say({ verb: 'reject', text: 'use cents' }, bob)
    d.plan('medium')
    const second = d.last.effects.find(
      ({ key, body }) => key.startsWith('comment:plan:') && body.kind === 'comment',
    )?.key
    expect(second).toBeDefined()
    expect(second).not.toBe(first)
    expect(d.say({ verb: 'approve', sha: d.task.planHash }).decision.reason).toBe('plan_approved')
  })

  it('stays a change also where questions are answered', () => {
    const d = new Driver()
    d.step('spec', { kind: 'spec', spec: spec({ questions: ['Which?'] }) })
    d.say({ verb: 'answer', text: 'for the whole quantity' })
    const rewritten = d.last.effects.map(({ body }) => body).find((body) => body.kind === 'comment.upsert')
    expect(plainDocument(rewritten && 'document' in rewritten ? rewritten.document : [])).toContain(
      'for the whole quantity',
    )
    d.step('spec', { kind: 'spec', spec: spec({ kind: 'question' }) })
    expect(d.ready()).toEqual(['design'])
  })

  it('stays a change: words about it do not end it with an answer', () => {
    const d = new Driver()
    d.plan('medium')
    d.say({ verb: 'request', text: 'use cents' }, bob)
    d.step('spec', { kind: 'spec', spec: spec({ kind: 'question' }) })
    expect(d.ready()).toEqual(['design'])
    d.step('design', { kind: 'design', design: design() })
    expect(d.task.gates[0]?.kind).toBe('plan')
  })
})

it('a question needs no tests; if it turns out to be a change, they come before the design', () => {
  const asked = (text: string) => {
    const base = opened()
    return new Driver(opened({ origin: { ...base.task.origin, request: text } }), 'not run')
  }
  const d = asked('why is the price of 12 wrong?')
  expect(d.ready()).toEqual(['spec'])
  d.step('spec', { kind: 'spec', spec: spec({ kind: 'question' }) })
  expect(d.ready()).toEqual(['answer'])
  const change = asked('why is the price of 12 wrong?')
  change.step('spec', { kind: 'spec', spec: spec() })
  expect(change.ready()).toEqual(['baseline'])
  expect(asked('please mend the price of 12').ready()).toEqual(['baseline'])
})
