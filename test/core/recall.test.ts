import { describe, expect, it } from 'vitest'
import type { ReleasePlan } from '../../src/core/artefacts.ts'
import { decideEnvironment } from '../../src/core/environments/decide.ts'
import { OPEN_POLICY } from '../../src/core/environments/gates.ts'
import type { Wanted } from '../../src/core/environments/types.ts'
import { APPROVE, asked, carol, shown } from '../support/released.ts'
import { Driver } from '../support/driver.ts'
import { bob, deployed, opened, releasePlan } from '../support/tasks.ts'

/** Live, and watched. */
function watched(plan: Partial<ReleasePlan> = {}): Driver {
  const d = asked({
    liveSha: 'good1',
    relation: 'ahead',
    wayBack: { to: 'good1', isReady: true, isAutomatic: false, why: 'kept' },
    ...plan,
  })
  d.say(APPROVE, bob)
  d.recorded(1)
  d.step('deploy', { kind: 'deployed', deployed: deployed('merge1') })
  d.do({ type: 'step.start', step: 'watch' })
  return d
}

describe('going back while it is watched', () => {
  it('is said by those who may deploy there, as GitHub says they are', () => {
    const d = watched()
    const { production } = d.task.settings.environments
    if (!production) throw new Error('there is no production')
    const policy = { ...OPEN_POLICY, deployers: ['maintain' as const] }
    const back = (standing: { role: 'write' | 'maintain'; teams: readonly string[] } | undefined) =>
      d.do({
        type: 'person',
        command: { verb: 'rollback', environment: 'production', ref: undefined },
        by: carol,
        canWrite: true,
        receivedAt: d.at + 1000,
        writtenAt: d.at + 1000,
        commentId: 1,
        settings: { ...d.task.settings, environments: { production: { ...production, policy } } },
        standing: standing && { ...carol, ...standing },
      }).decision
    expect(back(undefined)).toMatchObject({ outcome: 'refused', reason: 'not_a_deployer' })
    expect(back({ role: 'write', teams: [] }).detail).toContain('anybody with maintain permission')
    expect(d.task.releases.at(-1)?.recalledBy).toBeUndefined()
    expect(back({ role: 'maintain', teams: [] }).reason).toBe('recalled')
  })

  it('ends the watch where somebody goes back in another conversation, too; who said so stands there', () => {
    const d = watched()
    const { repository } = d.task.origin
    const other: Wanted = {
      task: 't2',
      release: 1,
      nth: 1,
      conversationId: 'c2',
      sha: 'good1',
      by: carol,
      watchSeconds: 60,
      state: 'in',
      isLive: false,
      verdict: undefined,
      tree: undefined,
      goesBack: true,
      recalls: 'merge1',
    }
    const where = { repository, name: 'production' }
    const { state, effects } = decideEnvironment(
      d.environment,
      where,
      { type: 'turn', wanted: other, freeze: [] },
      d.at,
    )
    d.environment = state
    const told = effects.map(({ body }) => body).find((body) => body.kind === 'task.turn' && body.task === d.task.id)
    if (told?.kind !== 'task.turn') throw new Error('it was not told')
    const { task, release, nth, turn } = told
    d.do({ type: 'turn.told', task, release, nth, turn })
    expect([d.last.decision.reason, d.ready()]).toEqual(['recalled', ['rollback']])
    expect(d.do({ type: 'turn.told', task, release, nth, turn }).events).toEqual([])
    d.step('rollback', {
      kind: 'rolled_back',
      rolledBack: { ok: true, isSwitched: true, to: 'good1', ms: 4, error: undefined },
    })
    expect(shown(d)).toContain('carol asked for it.')
    expect(d.environment).toMatchObject({ live: { sha: 'good1' }, holder: { task: 't2', goesBack: true } })
    const none = watched({ wayBack: { to: undefined, isReady: false, isAutomatic: false, why: 'nothing is kept' } })
    expect(none.do({ type: 'turn.told', task, release, nth, turn }).events).toEqual([])
  })

  it('ends the watch, by the word of whoever says so, and needs a way', () => {
    const d = asked({
      liveSha: 'good1',
      relation: 'ahead',
      wayBack: { to: 'good1', isReady: true, isAutomatic: false, why: 'kept' },
    })
    d.say(APPROVE, bob)
    d.recorded(1)
    d.step('deploy', { kind: 'deployed', deployed: deployed('merge1') })
    d.do({ type: 'step.start', step: 'watch' })
    expect(d.say({ verb: 'rollback', environment: 'production', ref: undefined }, carol).decision.reason).toBe(
      'recalled',
    )
    expect(d.ready()).toEqual(['rollback'])
    expect(d.say({ verb: 'rollback', environment: 'production', ref: undefined }, bob).decision.reason).toBe(
      'is_taken_back',
    )
    expect(d.say({ verb: 'cancel', text: '' }, bob).decision.reason).toBe('is_taken_back')
    d.step('rollback', {
      kind: 'rolled_back',
      rolledBack: { ok: true, isSwitched: true, to: 'good1', ms: 4, error: undefined },
    })
    expect(d.task).toMatchObject({ status: 'done', outcome: 'deployed to production, and taken back to good1' })
    expect(d.environment).toMatchObject({ holder: undefined, quarantine: [{ sha: 'merge1' }] })
    expect(shown(d)).toContain('was taken back to')
    expect(shown(d)).toContain('carol asked for it.')
    const none = asked({
      wayBack: { to: undefined, isReady: false, isAutomatic: false, why: 'nothing is live before it' },
    })
    none.say(APPROVE, bob)
    none.recorded(1)
    none.step('deploy', { kind: 'deployed', deployed: deployed('merge1') })
    const { decision } = none.say({ verb: 'rollback', environment: 'production', ref: undefined }, carol)
    expect(decision).toMatchObject({
      reason: 'no_way_back',
      detail: expect.stringContaining('nothing is live before it'),
    })
  })

  it('is not said twice: going back is not gone back from, and a late word means what was live then', () => {
    const d = new Driver(opened({ workflow: 'deploy' }), 'not run')
    const back = { verb: 'rollback', environment: 'production', ref: undefined } as const
    d.say(back)
    const wayBack = { to: 'bad1', isReady: true, isAutomatic: false, why: 'kept' }
    const plan = { ...releasePlan('good1'), approval: 'none' as const, restores: 'r-1', liveSha: 'bad1', wayBack }
    d.step('release_plan', { kind: 'release_plan', plan })
    d.recorded(1)
    d.step('deploy', { kind: 'deployed', deployed: { ...deployed('good1'), previousSha: 'bad1' } })
    expect(shown(d)).toContain('production serves')
    expect(d.environment?.quarantine).toMatchObject([{ sha: 'bad1', to: 'good1' }])
    expect(d.say(back, bob).decision).toMatchObject({ outcome: 'refused', reason: 'went_back' })
    const late = watched()
    const said = { type: 'person', command: back, by: carol, canWrite: true, commentId: 1 } as const
    const { decision } = late.do({ ...said, receivedAt: late.at + 1000, writtenAt: 1000 })
    expect(decision).toMatchObject({ outcome: 'refused', reason: 'said_before' })
  })
})
