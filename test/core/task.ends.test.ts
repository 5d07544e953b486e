import { describe, expect, it } from 'vitest'
import { renderMarkdown } from '../../src/channels/github/render.ts'
import { statusCard } from '../../src/core/reply/card.ts'
import type { Document } from '../../src/core/reply/document.ts'
import type { Heard } from '../../src/core/heard.ts'
import { route } from '../../src/core/routing.ts'
import { decide } from '../../src/core/deciding/decide.ts'
import { Driver } from '../support/driver.ts'
import { bob, deployed, origin, patch, proof, releasePlan, said } from '../support/tasks.ts'

describe('no dead ends, and no second lives', () => {
  it('plans, asks and deploys anew after a deploy failed, though nothing has changed', () => {
    const d = new Driver()
    d.built()
    d.step('prove', { kind: 'proof', proof: proof('head1', true) })
    d.do({ type: 'merged', by: bob, sha: 'merge1' })
    for (const release of [1, 2]) {
      d.say({ verb: 'deploy', environment: 'production', ref: undefined })
      d.step(release === 1 ? 'release_plan' : 'release_plan.2', {
        kind: 'release_plan',
        plan: { ...releasePlan('merge1'), hash: `hash-of-release-${release}` },
      })
      expect(d.task.gates[0]?.kind).toBe('deploy')
      d.say({ verb: 'approve', sha: undefined }, bob)
      d.recorded(release)
      d.step(release === 1 ? 'deploy' : 'deploy.2', { kind: 'deployed', deployed: deployed('merge1', false) })
      expect(d.task.status).toBe('done')
    }
  })

  it('promises no more than it keeps: what begins anew where work has ended', () => {
    const names = { mentions: ['muster'], label: 'muster', botId: 99, environments: [] }
    const heardOn = (text: string, isPullRequest: boolean): Heard => ({
      kind: 'issue_comment.created',
      repository: origin.repository,
      sender: { ...bob, isBot: false },
      key: 'x',
      writtenAt: 2_000_000_000_000,
      what: {
        type: 'text',
        text,
        commentId: 1,
        subject: { number: 5, isPullRequest, title: 't', body: 'b', author: bob, url: '' },
      },
    })
    for (const status of ['done', 'cancelled', 'handed_off'] as const) {
      const task = { ...new Driver().task, status }
      const answer = (isOnPull: boolean) =>
        JSON.stringify(
          decide(task, { ...said({ verb: 'request', text: 'the totals too' }), isOnPull }, 1_000_000).reply,
        )
      expect(answer(false)).toContain('begins new work here')
      expect(route(heardOn('@muster build the totals too', false), task, names)).toMatchObject({ to: 'open' })
      expect(answer(true)).toContain('in an issue')
      expect(answer(true)).not.toContain('here')
      expect(route(heardOn('@muster build the totals too', true), task, names)).toMatchObject({ to: 'person' })
    }
  })

  it('tells whoever reviews of a round that failed, where they read', () => {
    const d = new Driver()
    d.built()
    d.step('prove', { kind: 'proof', proof: proof('head1', true) })
    const comment = {
      id: 1,
      reviewId: 1,
      thread: false,
      rootId: 1,
      author: bob,
      body: 'Why?',
      path: undefined,
      line: undefined,
    }
    d.do({ type: 'review', by: bob, state: 'changes_requested', comments: [comment] })
    d.at += 600_000
    d.do({ type: 'quiet.over' })
    const [step] = d.ready()
    d.do({ type: 'step.start', step: step ?? '' })
    d.do({
      type: 'step.error',
      step: step ?? '',
      attempt: 1,
      error: { code: 'agent_checks', message: 'It said nothing.' },
    })
    const places = d.last.effects.flatMap(({ body }) => (body.kind === 'comment' ? [body.place.number] : []))
    expect(places).toEqual([origin.number, d.task.pullRequest?.number])
    const read = (document: Document) => renderMarkdown(document, { redact: (text) => text })
    const shown = d.last.effects.map(({ body }) => (body.kind === 'comment' ? read(body.document) : ''))
    // As it can be copied.
    expect(shown.filter((one) => one.includes('`@muster retry` tries once more'))).toHaveLength(2)
    expect(read(statusCard({ ...d.task, status: 'waiting' }, d.at))).toContain('`@muster retry` tries once more')
  })

  it('ends a release that GitHub does not record, so that another can be asked for', () => {
    const d = new Driver()
    d.built()
    d.step('prove', { kind: 'proof', proof: proof('head1', true) })
    d.do({ type: 'merged', by: bob, sha: 'merge1' })
    d.say({ verb: 'deploy', environment: 'production', ref: undefined })
    d.step('release_plan', { kind: 'release_plan', plan: releasePlan('merge1') })
    d.say({ verb: 'approve', sha: undefined }, bob)
    const body = d.last.effects.map((one) => one.body).find((one) => one.kind === 'deployment.create')
    if (body)
      d.do({
        type: 'effect.failed',
        key: 'deployment:1',
        kind: 'deployment.create',
        body,
        error: 'GitHub answered 403',
      })
    expect(d.kinds()).toContain('comment')
    expect(d.task.status).toBe('done')
    expect(d.say({ verb: 'deploy', environment: 'production', ref: undefined }).decision.outcome).toBe('accepted')
  })

  it('sends a pull request that could not be opened again, without working again', () => {
    const d = new Driver()
    d.plan()
    d.step('build', { kind: 'patch', patch: patch() })
    const push = d.last.effects.map((one) => one.body).find((one) => one.kind === 'git.push')
    if (push) d.do({ type: 'effect.done', key: 'push', kind: 'git.push', result: { sha: 'head1' }, body: push })
    const open = d.last.effects.find((one) => one.body.kind === 'pr.open')
    if (open)
      d.do({
        type: 'effect.failed',
        key: open.key,
        kind: 'pr.open',
        body: open.body,
        error: 'GitHub answered 422',
      })
    expect(d.task.status).toBe('handed_off')
    d.say({ verb: 'retry', text: '' })
    const again = d.last.effects.find((one) => one.body.kind === 'pr.open')
    expect(again?.key).not.toBe(open?.key)
    expect(again?.body).toEqual(open?.body)
    expect(d.ready()).toEqual([])
  })

  it('remembers a check that failed while QA was at work', () => {
    const d = new Driver()
    d.built()
    d.do({ type: 'step.start', step: 'prove' })
    d.do({ type: 'check.failed', name: 'lint', headSha: 'head1', text: 'bad' })
    expect(d.ready()).toEqual([])
    d.do({ type: 'step.result', step: 'prove', attempt: 1, result: { kind: 'proof', proof: proof('head1', true) } })
    expect(d.ready()).toEqual(['triage'])
  })

  it('starts nothing on the old head while a patch is on its way to the branch', () => {
    const d = new Driver()
    d.built()
    d.step('prove', { kind: 'proof', proof: proof('head1', false) })
    d.step('rework', { kind: 'patch', patch: patch() })
    d.do({ type: 'check.failed', name: 'lint', headSha: 'head1', text: 'bad' })
    expect(d.do({ type: 'reprove' }).decision.outcome).toBe('ignored')
    expect(d.ready()).toEqual([])
  })

  it('lets nothing follow from what was on its way when it was cancelled, and stops what runs when the pull request is closed', () => {
    const d = new Driver()
    d.plan()
    d.step('build', { kind: 'patch', patch: patch() })
    const push = d.last.effects.map((one) => one.body).find((one) => one.kind === 'git.push')
    d.say({ verb: 'cancel', text: '' })
    if (push) d.do({ type: 'effect.done', key: 'push', kind: 'git.push', result: { sha: 'head1' }, body: push })
    expect(d.kinds().filter((kind) => kind !== 'status.upsert')).toEqual([])
    const e = new Driver()
    e.built()
    e.do({ type: 'step.start', step: 'prove' })
    e.do({ type: 'closed', by: bob })
    expect(e.task.steps.find((step) => step.id === 'prove')?.status).toBe('cancelled')
  })
})
