import { describe, expect, it } from 'vitest'
import { renderMarkdown } from '../../src/channels/github/render.ts'
import { unclearReply } from '../../src/core/reply/answers.ts'
import { needed } from '../../src/core/reply/needed.ts'
import { decide } from '../../src/core/deciding/decide.ts'
import { evolve } from '../../src/core/task/evolve.ts'
import type { Task } from '../../src/core/task/types.ts'
import { Driver } from '../support/driver.ts'
import { alice, bob, patch, proof, releasePlan, said as command } from '../support/tasks.ts'

/** A proved pull request, on which a rework is under way. */
function reworking(): Driver {
  const d = new Driver()
  d.built()
  d.step('prove', { kind: 'proof', proof: proof('head1', true) })
  const comments = [{ id: 1, reviewId: 1, thread: true, rootId: 1, author: bob, body: 'x', path: 'p', line: 1 }]
  d.do({ type: 'review', by: bob, state: 'commented', comments })
  d.at += 600_000
  d.do({ type: 'quiet.over' })
  d.do({ type: 'step.start', step: 'rework' })
  expect(d.task.steps.at(-1)).toMatchObject({ id: 'rework', status: 'running' })
  return d
}

/** Merged while the rework has used up the budget, with a deploy that waits for approval. */
function twoGates(): Driver {
  const d = reworking()
  d.do({ type: 'budget', step: 'rework', attempt: 1, patch: undefined })
  d.do({ type: 'merged', by: bob, sha: 'merge1' })
  d.say({ verb: 'deploy', environment: 'production', ref: undefined }, alice)
  d.step('release_plan', { kind: 'release_plan', plan: { ...releasePlan('merge1'), hash: 'aaaaaaa111' } })
  expect(d.task.gates.map(({ kind }) => kind)).toEqual(['budget', 'deploy'])
  return d
}

describe('what is not paid for', () => {
  it('waits for no step that has the whole budget, nor for one that waits for the model provider', () => {
    for (const isParked of [false, true]) {
      const d = reworking()
      if (isParked) d.do({ type: 'step.park', step: 'rework', attempt: 1, why: 'model_credit', until: d.at + 60_000 })
      d.do({ type: 'merged', by: bob, sha: 'merge1' })
      d.say({ verb: 'deploy', environment: 'production', ref: undefined }, alice)
      expect(d.do({ type: 'step.start', step: 'release_plan' }).decision.reason).toBe('step_started')
    }
  })

  it('goes on while the budget waits for people', () => {
    const d = twoGates()
    d.say({ verb: 'approve', sha: undefined }, bob)
    expect(d.task.gates.map(({ kind }) => kind)).toEqual(['budget'])
    expect(d.kinds()).toContain('deployment.create')
  })
})

describe('two gates at once', () => {
  const said = (d: Driver, text: string, kind: 'approval' | 'assent') =>
    JSON.stringify(unclearReply({ verb: 'unclear', kind, text, meant: undefined }, d.task, 'muster'))

  it('a word that sounds like an approval is told of what waits for one, whatever waits beside it', () => {
    expect(said(twoGates(), 'lgtm', 'approval')).toContain('an approval is the word')
    expect(said(twoGates(), 'yes', 'assent')).toContain('approve')
  })

  it('a rejection takes no word of its reason for a name of something that does not wait', () => {
    const d = twoGates()
    d.say({ verb: 'reject', text: 'deadbeef1 broke it' }, bob)
    expect(d.task.outcome).toContain('deadbeef1 broke it')
    const named = twoGates()
    named.say({ verb: 'reject', text: 'aaaaaaa111 not today' }, bob)
    expect(named.task.outcome).toBe('the deploy to production was rejected: not today')
  })

  it('cancelling the deploy takes the question for money with it, where it stands', () => {
    const d = twoGates()
    d.say({ verb: 'cancel', text: '' }, alice)
    expect(d.task.gates).toEqual([])
    const rewritten = d.last.effects.filter(({ body }) => body.kind === 'comment.upsert').map(({ key }) => key)
    expect(rewritten.some((key) => key.includes('budget'))).toBe(true)
  })

  it('the money of two steps is asked for once; what others may give back is waited for', () => {
    const d = new Driver()
    d.plan()
    const two: Task = {
      ...d.task,
      steps: d.task.steps.flatMap((step) =>
        step.kind === 'build'
          ? ['a', 'b'].map((id) => ({ ...step, id, status: 'running' as const, attempt: 1, capUsd: 1 }))
          : [step],
      ),
    }
    const first = decide(two, { type: 'budget', step: 'a', attempt: 1, patch: undefined }, 9000)
    expect(first.task.gates).toEqual([])
    expect(first.task.steps.find(({ id }) => id === 'a')?.status).toBe('pending')
    const second = decide(first.task, { type: 'budget', step: 'b', attempt: 1, patch: undefined }, 9000)
    expect(second.task.gates.map(({ kind }) => kind)).toEqual(['budget'])
  })

  it('two that wait for the same word are called by their names, and nothing is decided without one', () => {
    const d = twoGates()
    const plan = { kind: 'plan', hash: 'bbbbbbb222', reason: 'r' } as const
    const task = evolve(d.task, { type: 'gate.opened', gate: plan, beside: true }, d.at)
    const saying = (verb: Parameters<typeof command>[0]) =>
      decide(task, command(verb, bob, d.at + 60_000), d.at + 60_000)
    const bare = saying({ verb: 'approve', sha: undefined })
    expect(bare.decision.reason).toBe('which_gate')
    const shown = renderMarkdown(needed(task), { redact: (text) => text })
    for (const name of ['aaaaaaa111', 'bbbbbbb222']) expect(shown).toContain(`approve ${name}`)
    expect(saying({ verb: 'approve', sha: 'bbbbbbb' }).decision.reason).toBe('plan_approved')
    expect(saying({ verb: 'reject', text: 'aaaaaaa111 later' }).decision.reason).toBe('deploy_rejected')
  })

  it('a gate of a history from before takes the place of what was open', () => {
    const d = twoGates()
    const opened = { type: 'gate.opened', gate: { kind: 'question', questions: ['?'] } } as const
    expect(evolve(d.task, opened, 9).gates.map(({ kind }) => kind)).toEqual(['question'])
    const beside = evolve(d.task, { ...opened, beside: true }, 9)
    expect(beside.gates.map(({ kind }) => kind)).toEqual(['budget', 'deploy', 'question'])
  })
})

it('what cannot be proved ends with people after its rounds, though a check of somebody else’s is red as well', () => {
  const d = new Driver()
  d.built()
  for (let round = 1; d.task.status !== 'handed_off' && round < 9; round++) {
    const head = d.task.headSha ?? ''
    d.do({ type: 'check.failed', name: 'ci', headSha: head, text: 'red' })
    d.step(d.ready()[0] ?? '', { kind: 'proof', proof: proof(head, false) })
    const [rework] = d.ready()
    if (!rework) break
    d.step(rework, { kind: 'patch', patch: patch() })
    d.pushed(`head${round + 1}`, rework)
  }
  expect(d.task.outcome).toContain('not proved after 3 attempts')
  expect(d.task.proofs).toHaveLength(3)
})
