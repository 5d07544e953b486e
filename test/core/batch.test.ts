import { describe, expect, it } from 'vitest'
import type { ReleasePlan } from '../../src/core/artefacts.ts'
import { decideEnvironment } from '../../src/core/environments/decide.ts'
import type { EnvironmentState } from '../../src/core/environments/types.ts'
import { verifiedState } from '../support/environment.ts'
import { Driver } from '../support/driver.ts'
import { opened, releasePlan, settings } from '../support/tasks.ts'
import { shown } from '../support/released.ts'

const repository = { id: 9, owner: 'acme', name: 'shop', defaultBranch: 'main', installationId: 7 }
const by = { id: 1, login: 'alice' }

/** What a task wants of production, and what comes of it. */
function asks(
  state: EnvironmentState | undefined,
  sha: string,
  more: { isAuto?: true; carries?: string[]; goesBack?: true } = {},
) {
  const wanted = {
    task: `t-${sha}`,
    release: 1,
    nth: 1,
    conversationId: `c-${sha}`,
    sha,
    by,
    watchSeconds: 60,
    state: 'in',
    isLive: false,
    verdict: undefined,
    tree: undefined,
    ...more,
  } as const
  return decideEnvironment(state, { repository, name: 'production' }, { type: 'turn', wanted, freeze: [] }, 1000)
}

const told = ({ effects }: ReturnType<typeof asks>) =>
  effects.flatMap(({ body }) => (body.kind === 'task.turn' ? [[body.task, body.turn.state]] : []))

describe('releases that nobody asked for', () => {
  it('go live as one: who waits with a commit that a later one has goes with that', () => {
    const first = asks(undefined, 'one', { isAuto: true })
    expect(told(first)).toEqual([['t-one', 'given']])
    const second = asks(first.state, 'two', { isAuto: true, carries: ['one'] })
    // Who has the environment already goes on by itself.
    expect(told(second)).toEqual([['t-two', 'waits']])
    const third = asks(second.state, 'three', { isAuto: true, carries: ['two', 'one'] })
    expect(third.events.map(({ type }) => type)).toEqual(['turn.asked', 'turn.carried'])
    expect(told(third)).toEqual([
      ['t-two', 'carried'],
      ['t-three', 'waits'],
    ])
    expect(third.state.queue.map(({ sha }) => sha)).toEqual(['three'])
    expect(verifiedState(third.events, second.state)).toEqual(third.state)
  })

  it('leave what somebody has asked for, and what the later one does not have', () => {
    const held = asks(undefined, 'zero').state
    const asked = asks(held, 'one').state
    const other = asks(asked, 'other', { isAuto: true }).state
    const later = asks(other, 'two', { isAuto: true, carries: ['one'] })
    expect(later.state.queue.map(({ sha }) => sha)).toEqual(['one', 'other', 'two'])
  })
})

describe('a release that goes live with another one', () => {
  function carried() {
    const { environments } = settings
    const production = environments['production']
    if (!production) throw new Error('no production')
    const auto = { ...settings, environments: { production: { ...production, auto: true, approval: 'none' as const } } }
    const d = new Driver(opened({ workflow: 'deploy', settings: auto }), 'not run')
    d.environment = asks(undefined, 'zero').state
    d.say({ verb: 'deploy', environment: 'production', ref: undefined })
    const plan: ReleasePlan = { ...releasePlan('one'), approval: 'none' }
    d.step('release_plan', { kind: 'release_plan', plan })
    d.recorded(1)
    const nth = d.task.releases[0]?.turn?.nth ?? 0
    const turn = { state: 'carried', by: { task: 't2', sha: 'two' } } as const
    d.do({ type: 'turn.told', task: d.task.id, release: 1, nth, turn })
    return { d, again: () => d.do({ type: 'turn.told', task: d.task.id, release: 1, nth, turn }) }
  }

  it('ends its task, which says with which; nothing is deployed for it', () => {
    const { d, again } = carried()
    expect(d.task).toMatchObject({ status: 'done', outcome: 'goes live on production with two' })
    expect(shown(d)).toMatch(/`one` goes live on production with `two`, which has it/)
    expect(d.ready()).toEqual([])
    const statuses = d.last.effects.flatMap(({ body }) => (body.kind === 'deployment.status' ? [body.state] : []))
    expect(statuses).toContain('inactive')
    expect(again().decision.reason).toBe('not_waiting')
  })

  it('may be asked for by itself afterwards', () => {
    const { d } = carried()
    expect(d.say({ verb: 'deploy', environment: 'production', ref: undefined }).decision.outcome).toBe('accepted')
    expect(d.task).toMatchObject({ status: 'working', releases: [{ deployed: { carriedBy: 'two' } }, { index: 2 }] })
  })
})
