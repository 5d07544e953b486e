import { describe, expect, it } from 'vitest'
import { decide } from '../../src/core/deciding/decide.ts'
import { Driver } from '../support/driver.ts'
import {
  alice,
  bob,
  deployed,
  design,
  opened,
  patch,
  proof,
  releasePlan,
  report,
  said,
  settings,
  spec,
} from '../support/tasks.ts'

describe('a change, from request to release', () => {
  it('goes through its steps in order, each only when it may', () => {
    const d = new Driver()
    expect(d.ready()).toEqual(['spec'])
    d.step('spec', { kind: 'spec', spec: spec({ risk: 'low' }) })
    expect(d.ready()).toEqual(['design'])
    d.step('design', { kind: 'design', design: design() })
    expect(d.task.approvals).toMatchObject([{ gate: 'plan', by: 'settings' }])
    expect(d.ready()).toEqual(['build'])
    d.step('build', { kind: 'patch', patch: patch() })
    expect(d.kinds()).toContain('git.push')
    expect(d.ready()).toEqual([])
    d.pushed('head1')
    expect(d.ready()).toEqual(['prove'])
    d.step('prove', { kind: 'proof', proof: proof('head1', true) })
    expect(d.kinds()).toEqual(expect.arrayContaining(['check.upsert', 'pr.ready', 'status.upsert']))
  })

  it('waits for a person where the settings want it, and binds the approval to the plan', () => {
    const d = new Driver()
    d.plan('medium')
    expect(d.task.gates[0]?.kind).toBe('plan')
    expect(d.kinds()).toContain('comment')
    expect(d.ready()).toEqual([])
    d.say({ verb: 'reject', text: 'too much' }, bob)
    expect(d.ready()).toEqual(['spec'])
    expect(d.task.notes.at(-1)?.text).toContain('too much')
    const first = d.task.planHash
    d.step('spec', { kind: 'spec', spec: spec() })
    d.step('design', { kind: 'design', design: design('Another way.') })
    expect(d.task.planHash).not.toBe(first)
    expect(d.task.gates[0]?.kind).toBe('plan')
    expect(d.say({ verb: 'approve', sha: first?.slice(0, 12) }).decision).toMatchObject({
      outcome: 'refused',
      reason: 'stale_approval',
    })
    expect(d.do(said({ verb: 'approve', sha: undefined }, alice, 100)).decision.reason).toBe('stale_approval')
    d.say({ verb: 'approve', sha: d.task.planHash?.slice(0, 12) })
    expect(d.ready()).toEqual(['build'])
  })

  it('a late approval of the first plan approves no other, whatever the clocks say', () => {
    const d = new Driver()
    d.plan('medium')
    const first = d.task.gates[0]?.openedAt ?? 0
    d.say({ verb: 'request', text: 'and mind the rope' })
    d.step('spec', { kind: 'spec', spec: spec() })
    d.step('design', { kind: 'design', design: design('Another way.') })
    const [gate] = d.task.gates
    if (gate?.kind !== 'plan') throw new Error('no plan')
    const late = (sha: string | undefined, writtenAt: number) =>
      d.do({ ...said({ verb: 'approve', sha }, alice, gate.openedAt + 5000), writtenAt }).decision
    // Written before the second plan was there, arrived after it: within the tolerance that a first gate has.
    expect(late(undefined, first + 10)).toMatchObject({ outcome: 'refused', reason: 'stale_approval' })
    expect(late(gate.hash.slice(0, 12), gate.openedAt - 2000)).toMatchObject({ reason: 'stale_approval' })
    // Written after it, without a word of which: the hash is wanted.
    expect(late(undefined, gate.openedAt + 4000)).toMatchObject({
      reason: 'stale_approval',
      detail: expect.stringContaining(`approve ${gate.hash.slice(0, 12)}`),
    })
    expect(late(gate.hash.slice(0, 12), gate.openedAt + 4000)).toMatchObject({ outcome: 'accepted' })
  })

  it('a late approval of the plan deploys nothing', () => {
    const d = new Driver()
    d.plan('medium')
    const plan = d.task.gates[0]?.openedAt ?? 0
    d.say({ verb: 'approve', sha: undefined })
    d.step('build', { kind: 'patch', patch: patch() })
    d.pushed('head1')
    d.step('prove', { kind: 'proof', proof: proof('head1', true) })
    d.do({ type: 'merged', by: alice, sha: 'merge1' })
    d.say({ verb: 'deploy', environment: 'production', ref: undefined })
    d.step(d.ready()[0] ?? '', { kind: 'release_plan', plan: releasePlan('merge1') })
    expect(d.task.gates[0]?.kind).toBe('deploy')
    const late = { ...said({ verb: 'approve', sha: undefined }, bob, d.at + 1000), writtenAt: plan + 1 }
    expect(d.do(late).decision).toMatchObject({ outcome: 'refused', reason: 'stale_approval' })
    expect(d.say({ verb: 'approve', sha: undefined }, bob).decision.outcome).toBe('accepted')
  })

  it('takes more text at the gate into the next plan', () => {
    const d = new Driver()
    d.plan('medium')
    d.say({ verb: 'request', text: 'and mind the rope' })
    expect(d.ready()).toEqual(['spec'])
    expect(d.task.notes.at(-1)?.text).toBe('and mind the rope')
  })

  it('asks, and waits for the answer', () => {
    const d = new Driver()
    d.step('spec', { kind: 'spec', spec: spec({ questions: ['Which list?'] }) })
    expect(d.task.gates[0]).toMatchObject({ kind: 'question', questions: ['Which list?'] })
    expect(d.ready()).toEqual([])
    d.say({ verb: 'answer', text: 'The new one.' })
    expect(d.ready()).toEqual(['spec'])
  })

  it('gives a failed proof back to SD twice, then to people', () => {
    const d = new Driver()
    d.built()
    for (const [round, head] of [
      [1, 'head2'],
      [2, 'head3'],
    ] as const) {
      d.step(round === 1 ? 'prove' : 'prove.2', { kind: 'proof', proof: proof(round === 1 ? 'head1' : 'head2', false) })
      const id = round === 1 ? 'rework' : 'rework.2'
      expect(d.ready()).toEqual([id])
      d.step(id, { kind: 'patch', patch: patch() })
      d.pushed(head, id)
    }
    d.step('prove.3', { kind: 'proof', proof: proof('head3', false) })
    expect(d.task.status).toBe('handed_off')
    expect(d.kinds()).toContain('comment')
    expect(d.say({ verb: 'retry', text: '' }).decision.reason).toBe('retry')
    expect(d.task.status).toBe('working')
  })

  it('publishes nothing that is protected or oversized', () => {
    for (const files of [
      ['.github/workflows/ci.yml'],
      ['package-lock.json'],
      ['CODEOWNERS'],
      ['.vscode/settings.json'],
      Array.from({ length: 101 }, (_, index) => `src/${index}.ts`),
    ]) {
      const d = new Driver()
      d.plan()
      d.step('build', { kind: 'patch', patch: patch({ files }) })
      expect(d.kinds()).not.toContain('git.push')
      expect(d.task.steps.find((step) => step.id === 'build')?.status).toBe('failed')
    }
  })

  it('hands over when nothing was changed', () => {
    const d = new Driver()
    d.plan()
    d.step('build', { kind: 'patch', patch: patch({ diff: '', files: [] }) })
    expect(d.task.status).toBe('handed_off')
  })

  it('takes review comments as one batch, answers each, and asks again', () => {
    const d = new Driver()
    d.built()
    d.step('prove', { kind: 'proof', proof: proof('head1', true) })
    d.do({
      type: 'effect.done',
      key: 'pr.ready',
      kind: 'pr.ready',
      result: {},
      body: {
        kind: 'pr.ready',
        place: { repository: d.task.origin.repository, number: 6 },
        nodeId: 'x',
        reviewers: [],
      },
    })
    const comment = (id: number, thread: boolean) => ({
      id,
      reviewId: 1,
      thread,
      rootId: id,
      author: bob,
      body: 'please',
      path: 'src/a.ts',
      line: 1,
    })
    d.do({ type: 'review', by: bob, comments: [comment(11, true)], state: 'commented' })
    d.do({ type: 'review', by: bob, comments: [comment(12, false)], state: 'changes_requested' })
    expect(
      d.do({ type: 'review', by: bob, comments: [comment(12, false)], state: 'changes_requested' }).decision.outcome,
    ).toBe('ignored')
    expect(decide(d.task, { type: 'quiet.over' }, d.at).decision.outcome).toBe('deferred')
    d.at += 60_000
    d.do({ type: 'quiet.over' })
    expect(d.ready()).toEqual(['rework'])
    const answers = [
      { id: 11, outcome: 'fixed' as const, reply: 'Done.' },
      { id: 12, outcome: 'declined' as const, reply: 'Because.' },
    ]
    d.step('rework', { kind: 'patch', patch: patch({ answers }) })
    d.pushed('head2', 'rework')
    expect(d.task.review.ledger.map((entry) => [entry.outcome, entry.sha])).toEqual([
      ['fixed', 'head2'],
      ['declined', undefined],
    ])
    d.step('prove.2', { kind: 'proof', proof: proof('head2', true) })
    expect(d.kinds()).toContain('review.request')
  })

  it('deploys only what was approved, by somebody else, once', () => {
    const d = new Driver()
    d.built()
    expect(d.say({ verb: 'deploy', environment: 'production', ref: undefined }).decision.reason).toBe('not_merged')
    d.step('prove', { kind: 'proof', proof: proof('head1', true) })
    d.do({ type: 'merged', by: bob, sha: 'merge1' })
    expect(d.task.status).toBe('done')
    expect(d.say({ verb: 'deploy', environment: 'nowhere', ref: undefined }).decision.reason).toBe(
      'unknown_environment',
    )
    d.say({ verb: 'deploy', environment: 'production', ref: undefined })
    expect(d.say({ verb: 'deploy', environment: 'production', ref: undefined }).decision.reason).toBe(
      'deploy_under_way',
    )
    d.step('release_plan', { kind: 'release_plan', plan: releasePlan('merge1') })
    expect(d.say({ verb: 'approve', sha: undefined }, alice).decision.reason).toBe('requester_is_approver')
    expect(d.say({ verb: 'approve', sha: 'fffffff' }, bob).decision.reason).toBe('stale_approval')
    d.say({ verb: 'approve', sha: 'merge1' }, bob)
    expect(d.say({ verb: 'approve', sha: undefined }, bob).decision.reason).toBe('no_gate')
    expect(d.ready()).toEqual([])
    d.do({
      type: 'effect.done',
      key: 'd',
      kind: 'deployment.create',
      result: { id: 77 },
      body: {
        kind: 'deployment.create',
        place: { repository: d.task.origin.repository, number: 5 },
        release: 1,
        sha: 'merge1',
        environment: 'production',
        planHash: 'h',
      },
    })
    expect(d.ready()).toEqual(['deploy'])
    d.step('deploy', { kind: 'deployed', deployed: deployed('merge1') })
    d.step('watch', { kind: 'report', report: report('merge1') })
    expect(d.task).toMatchObject({ status: 'done', outcome: 'deployed to production: healthy' })
    expect(d.say({ verb: 'deploy', environment: 'production', ref: undefined }).decision.outcome).toBe('accepted')
  })

  it('tells of a failed deploy, and plans anew when asked', () => {
    const d = new Driver()
    d.built()
    d.step('prove', { kind: 'proof', proof: proof('head1', true) })
    d.do({ type: 'merged', by: bob, sha: 'merge1' })
    d.say({ verb: 'deploy', environment: 'production', ref: undefined })
    d.step('release_plan', { kind: 'release_plan', plan: releasePlan('merge1') })
    d.say({ verb: 'approve', sha: undefined }, bob)
    d.do({
      type: 'effect.done',
      key: 'd',
      kind: 'deployment.create',
      result: { id: 77 },
      body: {
        kind: 'deployment.create',
        place: { repository: d.task.origin.repository, number: 5 },
        release: 1,
        sha: 'merge1',
        environment: 'production',
        planHash: 'h',
      },
    })
    d.step('deploy', { kind: 'deployed', deployed: deployed('merge1', false) })
    expect(d.kinds()).toEqual(expect.arrayContaining(['deployment.status', 'comment']))
    expect(d.task.status).toBe('done')
    expect(d.say({ verb: 'retry', text: '' }).decision.reason).toBe('deploy_is_once')
    expect(d.say({ verb: 'deploy', environment: 'production', ref: undefined }).decision.outcome).toBe('accepted')
  })

  it('stops at the budget with the work kept, and goes on when extended', () => {
    const d = new Driver()
    d.plan()
    d.do({ type: 'step.start', step: 'build' })
    d.do({ type: 'turn', step: 'build', costUsd: 5.5 })
    d.do({ type: 'budget', step: 'build', attempt: 1, patch: patch() })
    expect(d.task.gates[0]?.kind).toBe('budget')
    expect(d.last.effects.map((one) => one.body)).toContainEqual(
      expect.objectContaining({ kind: 'git.push', wip: true }),
    )
    expect(d.ready()).toEqual([])
    d.say({ verb: 'continue', usd: 2 })
    expect(d.task.budgetUsd).toBe(settings.budgetUsd + 2)
    expect(d.ready()).toEqual(['build'])
  })

  it('cancels what runs, and drops results that come too late', () => {
    const d = new Driver()
    d.do({ type: 'step.start', step: 'spec' })
    const { reply } = d.say({ verb: 'cancel', text: '' })
    expect(JSON.stringify(reply)).toContain('Nothing was left behind')
    expect(d.task.status).toBe('cancelled')
    expect(
      d.do({ type: 'step.result', step: 'spec', attempt: 1, result: { kind: 'spec', spec: spec() } }).decision.outcome,
    ).toBe('ignored')
    expect(d.task.spec).toBeUndefined()
  })

  it('answers a question without touching code', () => {
    const d = new Driver(opened({ workflow: 'question' }))
    d.step('spec', { kind: 'spec', spec: spec({ kind: 'question' }) })
    d.step('answer', { kind: 'answer', answer: { answer: 'Because.' } })
    expect(d.task).toMatchObject({ status: 'done', outcome: 'answered' })
    expect(d.task.steps.map((step) => step.kind)).toEqual(['spec', 'answer'])
  })

  it('refuses people without write permission whatever changes anything', () => {
    const d = new Driver()
    for (const verb of ['build', 'cancel', 'retry', 'request', 'answer'] as const)
      expect(d.do(said({ verb, text: 'x' }, bob, 1_000_000, false)).decision).toMatchObject({
        outcome: 'refused',
        reason: 'permission',
      })
    for (const verb of ['help', 'status', 'cost'] as const)
      expect(d.do(said({ verb, text: '' }, bob, 1_000_000, false)).decision.outcome).toBe('accepted')
  })

  it('retries a failed step, and takes a failed check to SD', () => {
    const d = new Driver()
    d.do({ type: 'step.start', step: 'spec' })
    d.do({ type: 'step.error', step: 'spec', attempt: 1, error: { code: 'x', message: 'no' } })
    expect(d.task.status).toBe('waiting')
    expect(d.say({ verb: 'retry', text: '' }).decision.reason).toBe('retry')
    expect(d.ready()).toEqual(['spec'])
    expect(d.do({ type: 'reprove' }).decision.outcome).toBe('ignored')
    const e = new Driver()
    e.built()
    e.step('prove', { kind: 'proof', proof: proof('head1', true) })
    e.do({ type: 'reprove' })
    expect(e.ready()).toEqual(['prove.2'])
    e.step('prove.2', { kind: 'proof', proof: proof('head1', true) })
    e.do({ type: 'check.failed', name: 'lint', headSha: 'old', text: '' })
    expect(e.ready()).toEqual([])
    e.do({ type: 'check.failed', name: 'lint', headSha: 'head1', text: 'bad' })
    expect(e.ready()).toEqual(['triage'])
    const about = { name: 'lint', headSha: 'head1', runId: undefined, isJob: false, url: undefined }
    e.step('triage', { kind: 'triage', judged: [{ ...about, cause: 'ours', evidence: 'a rule of the linter' }] })
    expect(e.ready()).toEqual(['rework'])
  })
})
