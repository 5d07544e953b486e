import { describe, expect, it } from 'vitest'
import type { ReleasePlan } from '../../src/core/artefacts.ts'
import { decideEnvironment } from '../../src/core/environments/decide.ts'
import { lineOf } from '../../src/core/environments/evolve.ts'
import type { EnvironmentState } from '../../src/core/environments/types.ts'
import { verifiedState } from '../support/environment.ts'
import { Driver } from '../support/driver.ts'
import { opened, releasePlan, settings } from '../support/tasks.ts'
import { shown } from '../support/released.ts'

const repository = { id: 9, owner: 'acme', name: 'shop', defaultBranch: 'main', installationId: 7 }
const by = { id: 1, login: 'alice' }

const wantedBy = (sha: string) => ({
  task: `t-${sha}`,
  release: 1,
  nth: 1,
  conversationId: `c-${sha}`,
  sha,
  by,
  watchSeconds: 60,
  isLive: false,
  verdict: undefined,
  tree: undefined,
})

/** What a task wants of production, and what comes of it. */
function asks(
  state: EnvironmentState | undefined,
  sha: string,
  more: { isAuto?: true; carries?: string[]; goesBack?: true } = {},
) {
  const wanted = { ...wantedBy(sha), state: 'in', ...more } as const
  return decideEnvironment(state, { repository, name: 'production' }, { type: 'turn', wanted, freeze: [] }, 1000)
}

const told = ({ effects }: ReturnType<typeof asks>) =>
  effects.flatMap(({ body }) => (body.kind === 'task.turn' ? [[body.task, body.turn.state]] : []))

const at = { repository, name: 'production' }
/** It is over, however. */
function ends(
  state: EnvironmentState,
  sha: string,
  verdict?: 'healthy' | 'regressed',
  more: { takenBackTo?: string } = {},
) {
  const wanted = { ...wantedBy(sha), state: 'out', isLive: verdict !== undefined, verdict, ...more } as const
  return decideEnvironment(state, at, { type: 'turn', wanted, freeze: [] }, 2000)
}
const line = (state: EnvironmentState) => lineOf(state.queue).map(({ sha }) => sha)

describe('releases that nobody asked for', () => {
  /** One is live and watched; three more wait, each with those before it. */
  const waiting = () => {
    const one = asks(undefined, 'one', { isAuto: true }).state
    const two = asks(one, 'two', { isAuto: true, carries: ['one'] }).state
    const three = asks(two, 'three', { isAuto: true, carries: ['two'] }).state
    return asks(three, 'four', { isAuto: true, carries: ['two', 'three'] }).state
  }

  it('are one: the last goes first, and once it is no worse the others are live with it', () => {
    const state = waiting()
    expect([state.holder?.sha, line(state)]).toEqual(['one', ['four', 'two', 'three']])
    const next = ends(state, 'one', 'healthy')
    expect([next.state.holder?.sha, line(next.state)]).toEqual(['four', ['three', 'two']])
    const over = ends(next.state, 'four', 'healthy')
    expect(over.state).toMatchObject({ holder: undefined, queue: [] })
    expect(told(over)).toEqual([
      ['t-two', 'carried'],
      ['t-three', 'carried'],
    ])
    expect(verifiedState(over.events, next.state, 2000)).toEqual(over.state)
  })

  it('lose none where the last does not go live, gets worse, or is taken back', () => {
    const begun = ends(waiting(), 'one', 'healthy').state
    for (const over of [
      ends(begun, 'four'),
      ends(begun, 'four', 'regressed'),
      ends(begun, 'four', 'regressed', { takenBackTo: 'one' }),
    ]) {
      expect([over.state.holder?.sha, line(over.state)]).toEqual(['three', ['two']])
      expect(told(over)).toContainEqual(['t-three', 'given'])
    }
    // Given up while it waited.
    expect(line(ends(waiting(), 'four').state)).toEqual(['three', 'two'])
  })

  it('are not what somebody has asked for, nor what the later one does not have', () => {
    const held = asks(undefined, 'zero').state
    const asked = asks(held, 'one').state
    const other = asks(asked, 'other', { isAuto: true }).state
    const later = asks(other, 'two', { isAuto: true, carries: ['one'] })
    expect(line(later.state)).toEqual(['one', 'other', 'two'])
    expect(line(asks(other, 'mine', { carries: ['other'] }).state)).toEqual(['one', 'other', 'mine'])
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
    expect(d.task).toMatchObject({ status: 'done', outcome: 'live on production with two' })
    expect(shown(d)).toMatch(/`one` is live on production with `two`, which has it/)
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
