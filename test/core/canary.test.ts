import { describe, expect, it } from 'vitest'
import type { ReleasePlan, ReleaseReport, Watch } from '../../src/core/artefacts.ts'
import { besideFrom } from '../../src/core/beside.ts'
import { gatesOf, OPEN_POLICY, shareLeft, verdictOf } from '../../src/core/environments/gates.ts'
import { decideEnvironment } from '../../src/core/environments/decide.ts'
import { environmentReply } from '../../src/core/reply/environment.ts'
import { renderMarkdown } from '../../src/channels/github/render.ts'
import { look, type Watching, watchFrom, withShare } from '../../src/core/watch.ts'
import { APPROVE, asked, shown } from '../support/released.ts'
import { bob, deployed, report } from '../support/tasks.ts'

const FIGURES = { seconds: 60, requests: 500, errors: 0, p50: 1, p95: 2 }
const READY = { to: 'good1', isReady: true, isAutomatic: true, why: 'it is kept' }
const CANARY = { steps: [10, 50], unsure: 'promote' } as const

const sample = (at: number, requests: number, errors = 0) => ({ at, requests, errors, latency: { 0: requests } })

describe('a watch of a release that has a share of the requests', () => {
  const watching: Watching = { seconds: 60, canary: CANARY }
  /** @param errors of a hundred, in each second */
  const played = (errors: number, more: Partial<Watching> & { requests?: number } = {}) => {
    const { requests = 100, ...settings } = more
    const [first = 0] = settings.canary?.steps ?? CANARY.steps
    let watch: Watch = { ...watchFrom(0, FIGURES), beside: besideFrom(first, 0) }
    const shares: (readonly [number, number])[] = []
    for (let second = 1; ; second++) {
      const at = (second - 1) * 1000
      const seen = {
        samples: [sample(at, requests, errors)],
        control: [sample(at, requests)],
        until: second * 1000,
        isHealthy: true,
      }
      const looked = look(watch, seen, { ...watching, ...settings }, second * 1000 + 2000)
      if (looked.kind === 'over') return { ...looked, shares }
      const { next } = looked.watch.beside ?? {}
      if (next !== undefined) shares.push([second, next])
      // As it comes back from the database.
      const stored = JSON.parse(JSON.stringify(looked.watch)) as Watch
      watch = next === undefined ? stored : withShare(stored, next, second * 1000)
    }
  }

  it('gives it more in equal parts, and all where it is no worse', () => {
    expect(played(0)).toMatchObject({ verdict: 'healthy', end: 'promoted', shares: [[30, 50]] })
    expect(played(0, { canary: { steps: [5, 20, 60], unsure: 'promote' } })).toMatchObject({
      shares: [
        [20, 20],
        [40, 60],
      ],
    })
  })

  it('ends as soon as it is worse, and its share goes back', () => {
    expect(played(30)).toMatchObject({ verdict: 'regressed', end: 'back', shares: [] })
  })

  it('is given all, or taken back, where nobody can tell, as the settings say', () => {
    expect(played(0, { requests: 0 })).toMatchObject({ verdict: 'not enough evidence', end: 'promoted' })
    const back = { ...CANARY, unsure: 'back' } as const
    expect(played(0, { requests: 0, canary: back })).toMatchObject({ verdict: 'not enough evidence', end: 'back' })
  })
})

describe('a release that has a share of the requests', () => {
  const shared = (plan: Partial<ReleasePlan> = {}) => {
    const d = asked({ liveSha: 'good1', relation: 'ahead', wayBack: READY, canary: CANARY, ...plan })
    d.say(APPROVE, bob)
    d.recorded(1)
    d.step('deploy', { kind: 'deployed', deployed: { ...deployed('merge1'), percent: 10 } })
    return d
  }
  const statuses = (d: ReturnType<typeof shared>) =>
    d.last.effects.flatMap(({ key, body }) =>
      body.kind === 'deployment.status' ? [[key, body.state, body.description]] : [],
    )
  const ended = (verdict: ReleaseReport['verdict'], end: 'promoted' | 'back', plan: Partial<ReleasePlan> = {}) => {
    const d = shared(plan)
    d.step('watch', { kind: 'report', report: { ...report('merge1'), verdict, canary: { percent: 50, end } } })
    return d
  }

  it('is on its way on GitHub until its verdict, and live with that share in the environment', () => {
    const d = shared()
    expect(statuses(d)).toEqual([['deployment:1:share', 'in_progress', 'Given 10 % of the requests; watching for 5 s']])
    expect(d.environment?.live).toMatchObject({ sha: 'merge1', percent: 10 })
    const text = renderMarkdown(environmentReply('production', d.environment, 'muster'), { redact: (one) => one })
    expect(text).toContain('with 10 % of the requests at first')
  })

  it('cannot be left with it: going back takes it away', () => {
    const d = shared()
    const { decision } = d.say({ verb: 'cancel', text: '' }, bob)
    expect([decision.reason, decision.detail]).toEqual(['has_share', expect.stringContaining('rollback production')])
    expect(d.say({ verb: 'rollback', environment: 'production', ref: undefined }, bob).decision.reason).toBe('recalled')
    expect(d.ready()).toEqual(['rollback'])
  })

  it('is given everything, and says so', () => {
    const d = ended('healthy', 'promoted')
    expect(shown(d)).toMatch(/It had 50 % of the requests at last, and is given all of them now.*Beside it.*Release/s)
    expect(statuses(d)).toMatchObject([['deployment:1:verdict', 'success', expect.any(String)]])
    expect([d.task.status, d.environment?.live]).toMatchObject(['done', { sha: 'merge1', verdict: 'healthy' }])
    expect(d.environment?.live?.percent).toBeUndefined()
  })

  it('is taken back where nobody can tell, and not kept out', () => {
    const d = ended('not enough evidence', 'back')
    expect(shown(d)).toContain('Nobody can tell whether it is any worse, so it is taken back')
    expect(statuses(d)).toMatchObject([['deployment:1:verdict', 'failure', expect.any(String)]])
    expect(d.ready()).toEqual(['rollback'])
    d.step('rollback', {
      kind: 'rolled_back',
      rolledBack: { ok: true, isSwitched: true, to: 'good1', ms: 4, error: undefined },
    })
    expect(shown(d)).toContain('was taken back to')
    expect(shown(d)).not.toContain('does not go live there again')
    expect(d.environment).toMatchObject({ live: { sha: 'good1' }, quarantine: [], holder: undefined })
  })

  it('that could not be taken back lets nothing on top of it, until somebody takes its share away', () => {
    const d = ended('regressed', 'back', { wayBack: { ...READY, isReady: false, isAutomatic: false } })
    expect(shown(d)).toContain('Its share of the requests goes back to')
    expect(d.ready()).toEqual(['rollback'])
    expect(shareLeft(d.environment)).toBeUndefined()
    d.step('rollback', {
      kind: 'rolled_back',
      rolledBack: { ok: false, isSwitched: false, to: 'good1', ms: 4, error: 'it does not start' },
    })
    expect(d.environment?.live).toMatchObject({ sha: 'merge1', percent: 10, verdict: 'regressed' })
    const facts = {
      sha: 'next',
      requester: undefined,
      checks: [],
      before: undefined,
      quarantined: undefined,
      lock: undefined,
      now: 0,
      shared: shareLeft(d.environment),
    }
    const gates = gatesOf(OPEN_POLICY, { ...facts, goesBack: false })
    expect([verdictOf(gates), gates[0]?.evidence]).toEqual(['block', expect.stringContaining('rollback <env>')])
    expect(verdictOf(gatesOf(OPEN_POLICY, { ...facts, goesBack: true }))).toBe('pass')
  })

  it('is given everything where what serves the rest does not answer any more', () => {
    let watch: Watch = { ...watchFrom(0, FIGURES), beside: besideFrom(10, 0) }
    const looks = [1, 2, 3].map((second) => {
      const seen = {
        samples: [sample(second * 1000 - 1000, 10)],
        control: [sample(second * 1000 - 1000, 90, 90)],
        until: second * 1000,
        isHealthy: true,
        isControlHealthy: false,
      }
      const looked = look(watch, seen, { seconds: 60, canary: CANARY }, second * 1000 + 2000)
      watch = looked.watch
      return looked
    })
    // Though that is the last look, and it would be taken back where nobody can tell.
    const late = look(
      JSON.parse(JSON.stringify(looks[1]?.watch)) as Watch,
      { samples: [], until: 60_000, isHealthy: true, isControlHealthy: false },
      { seconds: 60, canary: { ...CANARY, unsure: 'back' } },
      62_500,
    )
    expect(late).toMatchObject({ kind: 'over', end: 'promoted' })
    expect(looks.map(({ kind }) => kind)).toEqual(['again', 'again', 'over'])
    expect(looks[2]).toMatchObject({ verdict: 'not enough evidence', end: 'promoted' })
    expect(JSON.stringify(looks[2])).toContain('does not answer its health check any more (3 times in a row)')
  })

  it('goes back by a word from another conversation, whatever lies between, for what was live serves all the while', () => {
    const d = shared({ wayBack: { ...READY, isReady: false, isAutomatic: false } })
    if (!d.environment) throw new Error('no environment')
    const { holder } = d.environment
    expect(holder?.mayGoBack).toBeUndefined()
    const asks = {
      task: 't2',
      release: 1,
      nth: 1,
      conversationId: 'c2',
      sha: 'good1',
      by: bob,
      watchSeconds: 5,
      state: 'in',
      isLive: false,
      verdict: undefined,
      tree: undefined,
      goesBack: true,
      recalls: 'merge1',
    } as const
    const { repository, name } = d.environment
    const outcome = decideEnvironment(
      d.environment,
      { repository, name },
      { type: 'turn', wanted: asks, freeze: [] },
      d.at,
    )
    expect(outcome.events.map(({ type }) => type)).toEqual(['turn.asked', 'turn.recalled'])
  })

  it('has everything also where its watch had failed, and was tried again', () => {
    const d = shared()
    if (!d.environment) throw new Error('no environment')
    const { repository, name, holder, live } = d.environment
    if (!holder || !live) throw new Error('not live')
    const left = decideEnvironment(
      d.environment,
      { repository, name },
      {
        type: 'turn',
        wanted: { ...holder, state: 'out', isLive: true, verdict: undefined, tree: undefined, percent: 10 },
        freeze: [],
      },
      d.at,
    ).state
    expect(shareLeft(left)).toMatchObject({ percent: 10 })
    const whole = decideEnvironment(
      left,
      { repository, name },
      {
        type: 'turn',
        wanted: { ...holder, state: 'out', isLive: true, verdict: 'healthy', tree: undefined },
        freeze: [],
      },
      d.at,
    ).state
    expect([shareLeft(whole), whole.live?.verdict]).toEqual([undefined, 'healthy'])
  })
})
