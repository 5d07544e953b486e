import { describe, expect, it } from 'vitest'
import { renderMarkdown } from '../../src/channels/github/render.ts'
import { APPROVAL_MS, isApprovalExpired, isDeployApproved } from '../../src/core/policy.ts'
import type { ReleasePlan, ReleaseReport } from '../../src/core/artefacts.ts'
import { needed } from '../../src/core/reply/needed.ts'
import { workOf } from '../../src/core/task/work.ts'
import { wayBackOf } from '../../src/core/environments/wayback.ts'
import { look, watchFrom } from '../../src/core/watch.ts'
import { APPROVE, asked, carol, shown } from '../support/released.ts'
import { Driver } from '../support/driver.ts'
import { alice, bob, deployed, opened, releasePlan, report } from '../support/tasks.ts'

describe('the approval of a deploy', () => {
  it('takes as many distinct people as the plan says', () => {
    const d = asked({ approvals: 2 })
    expect(d.say(APPROVE, bob).decision.outcome).toBe('accepted')
    expect(d.task.gates.map(({ kind }) => kind)).toEqual(['deploy'])
    expect(d.kinds()).not.toContain('deployment.create')
    expect(shown(d)).toContain('1 of 2 approvals')
    expect(d.say(APPROVE, bob).decision.reason).toBe('approved_already')
    expect(d.say(APPROVE, alice).decision.reason).toBe('requester_is_approver')
    expect(isDeployApproved(d.task, { ...releasePlan('merge1'), approvals: 2 })).toBe(false)
    expect(d.say(APPROVE, carol).decision.outcome).toBe('accepted')
    expect(d.task.gates).toEqual([])
    expect(d.kinds()).toContain('deployment.create')
  })

  it('is given by those that the environment names, as GitHub says they are', () => {
    const d = asked({ approvers: ['maintain', '@acme/release'] })
    const approve = (standing: { role: 'write' | 'maintain'; teams: readonly string[] } | undefined) =>
      d.do({
        type: 'person',
        command: APPROVE,
        by: bob,
        canWrite: true,
        receivedAt: d.at + 1000,
        writtenAt: d.at + 1000,
        commentId: 1,
        standing: standing && { ...bob, ...standing },
      }).decision
    expect(approve(undefined)).toMatchObject({ outcome: 'refused', reason: 'not_an_approver' })
    expect(approve({ role: 'write', teams: [] }).detail).toContain('anybody with maintain permission or acme/release')
    expect(approve({ role: 'write', teams: ['acme/release'] }).outcome).toBe('accepted')
    expect(d.task.approvals.at(-1)).toMatchObject({
      by: bob,
      sha: 'merge1',
      certificate: { standing: { role: 'write', teams: ['acme/release'] } },
    })
  })

  it('counts for four hours', () => {
    const d = asked()
    d.say(APPROVE, bob)
    const [plan, at] = [releasePlan('merge1'), d.task.approvals[0]?.at ?? 0]
    expect(isApprovalExpired(d.task, plan, at + APPROVAL_MS - 1)).toBe(false)
    expect(isApprovalExpired(d.task, plan, at + APPROVAL_MS)).toBe(true)
  })

  it('is taken back by a rejection before anything has begun, and by nothing afterwards', () => {
    const d = asked()
    d.say(APPROVE, bob)
    d.recorded(1)
    expect(d.ready()).toEqual(['deploy'])
    expect(d.say({ verb: 'reject', text: 'not on a Friday' }, carol).decision.reason).toBe('deploy_rejected')
    expect(d.task).toMatchObject({ status: 'done', approvals: [] })
    expect(d.kinds()).toContain('deployment.status')
    expect(d.environment?.holder).toBeUndefined()
    const other = asked()
    other.say(APPROVE, bob)
    other.recorded(1)
    other.do({ type: 'step.start', step: 'deploy' })
    expect(other.say({ verb: 'reject', text: 'no' }, carol).decision.reason).toBe('no_gate')
  })

  it('of what does not hold any more is asked for anew, for the same commit', () => {
    const d = asked()
    d.say(APPROVE, bob)
    d.recorded(1)
    d.step('deploy', { kind: 'deployed', deployed: { ...deployed('merge1', false), isStale: true } })
    expect(d.task.releases.at(-1)).toMatchObject({ index: 2, ref: 'merge1', requester: alice, plan: undefined })
    expect(d.task.status).toBe('working')
    d.step('release_plan.2', { kind: 'release_plan', plan: { ...releasePlan('merge1'), hash: 'another' } })
    expect(d.task.gates).toMatchObject([{ kind: 'deploy', hash: 'another' }])
    expect(d.ready()).toEqual([])
  })
})

describe('a release that waits', () => {
  /** Somebody else has the environment. */
  function behind(): Driver {
    const d = asked()
    d.environment = undefined
    const first = asked()
    first.say(APPROVE, bob)
    d.environment = first.environment && {
      ...first.environment,
      holder: first.environment.holder && { ...first.environment.holder, task: 'other', sha: 'f00dfeed00' },
    }
    d.say(APPROVE, bob)
    return d
  }

  it('for its turn works all the same, says behind whom, and takes no worker', () => {
    const d = behind()
    expect(d.task).toMatchObject({ status: 'working', releases: [{ turn: { state: 'waits' } }] })
    d.recorded(1)
    expect([d.ready(), workOf(d.task)]).toEqual([[], []])
    const text = renderMarkdown(needed(d.task), { redact: (one) => one })
    expect(text).toContain('production has a release under way')
    expect(text).toContain('f00dfee')
    expect(text).toContain('next in line')
  })

  it('begins when its turn comes, and says so where it had said that it waits', () => {
    const d = behind()
    d.recorded(1)
    const turn = d.task.releases[0]?.turn
    d.do({ type: 'turn.told', task: d.task.id, release: 1, nth: turn?.nth ?? 0, turn: { state: 'given' } })
    expect(d.ready()).toEqual(['deploy'])
    expect(shown(d)).toContain('It is the turn of')
    expect(d.last.effects.some(({ key }) => key.startsWith('comment:turn:1'))).toBe(true)
  })

  it('gives its place up when it is cancelled, and hears no late word', () => {
    const d = behind()
    const { nth = 0 } = d.task.releases[0]?.turn ?? {}
    d.say({ verb: 'cancel', text: '' }, bob)
    expect(d.last.effects.map(({ body }) => body.kind)).toContain('environment.turn')
    expect(d.environment?.queue).toEqual([])
    const late = d.do({ type: 'turn.told', task: d.task.id, release: 1, nth, turn: { state: 'given' } })
    expect([late.decision.reason, d.ready()]).toEqual(['not_waiting', []])
  })

  it('for a gate is parked, told why, and asked again by itself', () => {
    const d = asked()
    d.say(APPROVE, bob)
    d.recorded(1)
    const gates = [
      { gate: 'checks', decision: 'wait', reason: 'checks_pending', evidence: 'pending at merge1: e2e' },
    ] as const
    d.step('deploy', { kind: 'gated', gates, until: d.at + 20_000 })
    expect(workOf(d.task)).toMatchObject([{ step: 'deploy', attempt: 1, dueAt: expect.any(Number) }])
    expect(renderMarkdown(needed(d.task), { redact: (one) => one })).toContain('Checks: pending at merge1: e2e')
    expect(d.say({ verb: 'reject', text: 'enough' }, bob).decision.reason).toBe('deploy_rejected')
  })
})

describe('a watch', () => {
  const figures = { seconds: 60, requests: 500, errors: 0, p50: 1, p95: 2 }
  const sample = (at: number, errors = 0) => ({
    at,
    requests: 10,
    errors,
    latency: { 0: 10 },
    failures: errors ? { status: errors } : {},
  })

  it('goes on from what was stored, look by look, and counts each request once', () => {
    let watch = watchFrom(0, figures)
    for (let second = 1; second < 60; second++) {
      const seen = { samples: [sample((second - 1) * 1000)], until: second * 1000, isHealthy: true }
      const looked = look(watch, seen, { seconds: 60 }, second * 1000 + 2000)
      if (looked.kind !== 'again') throw new Error(looked.verdict)
      // As it comes back from the database.
      watch = JSON.parse(JSON.stringify(looked.watch)) as typeof watch
      expect(looked.at).toBeGreaterThan(second * 1000 + 2000)
    }
    const last = look(watch, { samples: [sample(59_000)], until: 60_000, isHealthy: true }, { seconds: 60 }, 62_500)
    expect(last).toMatchObject({
      kind: 'over',
      verdict: 'healthy',
      watch: { tally: { requests: 600 }, probes: { passed: 60 } },
    })
    expect(last.watch.series.reduce((sum, { requests }) => sum + requests, 0)).toBe(600)
    expect(last.watch.series).toHaveLength(12)
  })

  it('ends as soon as it is clear that the release got worse', () => {
    const seen = { samples: Array.from({ length: 30 }, (_, n) => sample(n * 1000, 5)), until: 30_000, isHealthy: true }
    const looked = look(watchFrom(0, figures), seen, { seconds: 300 }, 32_000)
    expect(looked).toMatchObject({ kind: 'over', verdict: 'regressed' })
    expect(looked.kind === 'over' && looked.reasons.join()).toContain('outside the release cannot be excluded')
  })

  it('of days makes few looks, and of seconds some', () => {
    const next = (seconds: number) => {
      const looked = look(watchFrom(0, figures), { samples: [], until: 0, isHealthy: true }, { seconds }, 1000)
      return looked.kind === 'again' ? (looked.at - 1000) / 1000 : undefined
    }
    expect([next(10), next(600), next(86_400 * 3)]).toEqual([1, 10, 300])
  })
})

describe('what came of a release', () => {
  const watched = (verdict: ReleaseReport['verdict']) => {
    const d = asked()
    d.say(APPROVE, bob)
    d.recorded(1)
    d.step('deploy', { kind: 'deployed', deployed: deployed('merge1') })
    d.step('watch', { kind: 'report', report: { ...report('merge1'), verdict, reasons: ['why'] } })
    return d.last.effects.map(({ body }) => body).find((body) => body.kind === 'deployment.status')
  }

  it('stands on the deployment itself', () => {
    expect(watched('healthy')).toMatchObject({ state: 'success', description: 'Healthy: why' })
    expect(watched('regressed')).toMatchObject({ state: 'failure', description: 'Regressed: why' })
    expect(watched('not enough evidence')).toMatchObject({ state: 'success', description: 'Not enough evidence: why' })
  })

  it('frees the environment, which knows the verdict', () => {
    const d = asked()
    d.say(APPROVE, bob)
    d.recorded(1)
    d.step('deploy', { kind: 'deployed', deployed: deployed('merge1') })
    expect(d.environment).toMatchObject({ holder: { task: 't1' }, live: { sha: 'merge1' } })
    d.step('watch', { kind: 'report', report: { ...report('merge1'), verdict: 'regressed' } })
    expect(d.environment?.holder).toBeUndefined()
    expect(d.environment?.live).toMatchObject({ sha: 'merge1', verdict: 'regressed' })
  })
})

describe('what got worse', () => {
  const ready = { to: 'good1', isReady: true, isAutomatic: true, why: 'it is kept' }
  const regressed = (wayBack: ReleasePlan['wayBack']) => {
    const d = asked({ liveSha: 'good1', relation: 'ahead', tree: 'tree1', wayBack })
    d.say(APPROVE, bob)
    d.recorded(1)
    d.step('deploy', { kind: 'deployed', deployed: deployed('merge1') })
    d.step('watch', { kind: 'report', report: { ...report('merge1'), verdict: 'regressed' } })
    return d
  }

  it('is taken back while nobody else has the environment, and kept out of it', () => {
    const d = regressed(ready)
    expect(shown(d)).toContain('It is taken back to')
    expect([d.ready(), d.task.status, d.environment?.holder?.task]).toEqual([['rollback'], 'working', 't1'])
    d.step('rollback', {
      kind: 'rolled_back',
      rolledBack: { ok: true, isSwitched: true, to: 'good1', ms: 40, error: undefined },
    })
    expect(d.task).toMatchObject({
      status: 'done',
      outcome: 'deployed to production: regressed, and taken back to good1',
    })
    expect(shown(d)).toContain('was taken back to')
    expect(d.environment).toMatchObject({
      holder: undefined,
      live: { sha: 'good1' },
      quarantine: [{ sha: 'merge1', tree: 'tree1', to: 'good1', task: 't1' }],
    })
  })

  it('calls people where the way back is broken too, and tries nothing more', () => {
    const d = regressed(ready)
    d.step('rollback', {
      kind: 'rolled_back',
      rolledBack: { ok: false, isSwitched: false, to: 'good1', ms: 40, error: 'it does not answer' },
    })
    expect(shown(d)).toMatch(/could not be taken back.*A person has to look at production now: it does not answer/s)
    expect([d.ready(), d.task.status, d.environment?.quarantine]).toEqual([[], 'done', []])
  })

  it('stays where nobody wants it back by itself, with the reason and the command', () => {
    const d = regressed({ ...ready, isReady: false, isAutomatic: false, why: 'migrations are in the range (db/1.sql)' })
    expect([d.ready(), d.task.status]).toEqual([[], 'done'])
    expect(shown(d)).toMatch(/is still live.*migrations are in the range.*deploy production/s)
    expect(d.environment?.holder).toBeUndefined()
  })

  it('never goes back over migrations that nobody has declared', () => {
    const facts = {
      liveSha: 'a'.repeat(40),
      isKept: true,
      migrations: ['db/migrate/1.sql'],
      onlyAdds: false,
      isWanted: true,
    }
    expect(wayBackOf(facts)).toMatchObject({ isReady: false, isAutomatic: false })
    expect(wayBackOf({ ...facts, onlyAdds: true })).toMatchObject({ isReady: true, isAutomatic: true })
    expect(wayBackOf({ ...facts, migrations: [] })).toMatchObject({ isReady: true, isAutomatic: true })
    expect(wayBackOf({ ...facts, onlyAdds: true, isWanted: false })).toMatchObject({
      isReady: true,
      isAutomatic: false,
    })
    expect(wayBackOf({ ...facts, migrations: [], isKept: false })).toMatchObject({ isReady: false, isAutomatic: false })
    expect(wayBackOf({ ...facts, liveSha: undefined })).toMatchObject({ isReady: false, isAutomatic: false })
  })
})

describe('going back by command', () => {
  it('goes first in line, past a freeze, and needs no second person for what was live right before', () => {
    const d = new Driver(opened({ workflow: 'deploy' }), 'not run')
    d.say({ verb: 'rollback', environment: 'production', ref: undefined })
    expect(d.task.releases.at(-1)).toMatchObject({ goesBack: true, ref: undefined })
    d.step('release_plan', {
      kind: 'release_plan',
      plan: { ...releasePlan('good1'), approval: 'none', restores: 'r-1' },
    })
    expect(d.task.gates).toEqual([])
    d.recorded(1)
    expect(d.ready()).toEqual(['deploy'])
    expect(d.environment?.holder).toMatchObject({ sha: 'good1', goesBack: true })
  })
})
