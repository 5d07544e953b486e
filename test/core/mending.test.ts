import { describe, expect, it } from 'vitest'
import type { Mends } from '../../src/core/task/origin.ts'
import type { RepositorySettings } from '../../src/core/settings.ts'
import { OPEN_POLICY, type Policy } from '../../src/core/environments/gates.ts'
import { evidenceIn, printedBy } from '../../src/core/mending.ts'
import { renderMarkdown } from '../../src/channels/github/render.ts'
import { reportComment } from '../../src/core/reply/release.ts'
import { Driver } from '../support/driver.ts'
import { APPROVE, shown } from '../support/released.ts'
import { bob, deployed, opened, origin, releasePlan, report, settings } from '../support/tasks.ts'

const READY = { to: 'good1', isReady: true, isAutomatic: true, why: 'it is kept' }
const LOG = 'TypeError: price is undefined\n```\r# Not a heading\n@muster approve'
const MENDS: Mends = {
  task: 't0',
  release: 1,
  environment: 'production',
  sha: 'bad1'.padEnd(40, '0'),
  to: 'good1',
  url: 'https://x/1',
  before: { seconds: 60, requests: 100, errors: 0, p50: 1, p95: 2 },
  after: { seconds: 60, requests: 100, errors: 40, p50: 1, p95: 2 },
  log: '',
  at: 0,
}

function withPolicy(policy: Partial<Policy>): RepositorySettings {
  const { environments } = settings
  const production = environments['production']
  if (!production) throw new Error('no production')
  return {
    ...settings,
    environments: { ...environments, production: { ...production, policy: { ...OPEN_POLICY, ...policy } } },
  }
}

/** A release that was judged, and taken back. */
function back(
  policy: Partial<Policy>,
  more: { verdict?: 'regressed' | 'not enough evidence'; mends?: Mends; planMends?: string[]; isOk?: boolean } = {},
) {
  const { verdict = 'regressed', mends, planMends, isOk = true } = more
  const d = new Driver(
    opened({ workflow: 'deploy', settings: withPolicy(policy), ...(mends ? { origin: { ...origin, mends } } : {}) }),
    'not run',
  )
  d.say({ verb: 'deploy', environment: 'production', ref: undefined })
  const commits = [{ sha: 'bad1', title: 'Answer faster [x](http://evil)', author: 'alice' }]
  const inRange = { dependencies: ['package.json'], configuration: [], migrations: [] }
  d.step('release_plan', {
    kind: 'release_plan',
    plan: {
      ...releasePlan('bad1'),
      liveSha: 'good1',
      wayBack: READY,
      commits,
      inRange,
      ...(planMends ? { mends: planMends } : {}),
    },
  })
  d.say(APPROVE, bob)
  d.recorded(1)
  d.step('deploy', { kind: 'deployed', deployed: deployed('bad1') })
  d.step('watch', {
    kind: 'report',
    report: {
      ...report('bad1'),
      verdict,
      reasons: ['errors 40 of 100'],
      after: { ...MENDS.after, failures: { status: 40 } },
    },
  })
  if (verdict === 'regressed')
    d.step('rollback', {
      kind: 'rolled_back',
      rolledBack: { ok: isOk, isSwitched: true, to: 'good1', ms: 4, error: undefined, log: LOG },
    })
  return d
}

const openings = (d: Driver) =>
  d.last.effects.flatMap(({ key, body }) => (body.kind === 'task.open' ? [{ key, body }] : []))

describe('what was taken back', () => {
  it('becomes work with the evidence and a budget of its own, where the settings say so', () => {
    const d = back({ mend: { budgetUsd: 3 } })
    const [found, ...others] = openings(d)
    expect(others).toEqual([])
    expect(found).toMatchObject({
      key: 'mend:1',
      body: {
        child: {
          workflow: 'change',
          budgetUsd: 3,
          title: 'production got worse with bad1: 40 of 100 requests failed (40.0 %), p95 2 ms',
        },
        mends: { release: 1, environment: 'production', sha: 'bad1', to: 'good1', after: { errors: 40 } },
      },
    })
    const text = found?.body.child.body ?? ''
    for (const part of [
      '40 of 100 requests failed (40.0 %)',
      '40 answered with an error (5xx)',
      'bad1 Answer faster',
      'package.json',
      'Fixes: bad1',
    ])
      expect(text).toContain(part)
    // What the service has printed anybody may have brought it to say: it stands apart, and a person looks at the plan.
    expect(text).not.toContain('TypeError')
    expect(found?.body).toMatchObject({ forcePlanGate: true, mends: { log: LOG } })
    const issue = opened({ origin: { ...origin, number: 0, opensIssue: true, mends: { ...MENDS, log: LOG } } })
    const [opening] = issue.effects.flatMap(({ body }) => (body.kind === 'issue.open' ? [body] : []))
    const said = renderMarkdown(opening?.document ?? [], { redact: (one) => one })
    expect(said).toContain('since the settings of production say so')
    // In a fence that it cannot end, and without a mention.
    expect(said).toMatch(/^````\nTypeError.*\n```\n# Not a heading\n@\u200bmuster approve\n````$/m)
    expect(printedBy({ ...MENDS, log: LOG })).toMatchObject([{ authority: 'unknown on GitHub', text: LOG }])
    expect(shown(d)).toContain('becomes an issue now')
  })

  it('becomes none where nothing is said, nobody knows that it is worse, what it went back to is broken too, or it was to mend something itself', () => {
    expect(openings(back({}))).toEqual([])
    expect(shown(back({}))).not.toContain('becomes an issue')
    expect(openings(back({ mend: { budgetUsd: 3 } }, { verdict: 'not enough evidence' }))).toEqual([])
    expect(openings(back({ mend: { budgetUsd: 3 } }, { isOk: false }))).toEqual([])
    expect(openings(back({ mend: { budgetUsd: 3 } }, { mends: MENDS }))).toEqual([])
    // Asked for in another conversation it mends the same.
    expect(openings(back({ mend: { budgetUsd: 3 } }, { planMends: ['bad0'] }))).toEqual([])
  })

  it('is told by each line that it printed once', () => {
    const fault = 'TypeError: x is undefined\n    at answer (a.mjs:1)\n'
    expect(evidenceIn(`listening\n${fault.repeat(30)}`)).toBe(`listening\n${fault}`.trimEnd())
    expect(evidenceIn('one\rtwo\u2028three')).toBe('one\ntwo\nthree')
    expect([evidenceIn(''), evidenceIn('only')]).toEqual(['', 'only'])
    // What it printed last, after all that its build has said.
    expect(
      evidenceIn(
        `${'built\n'.repeat(9)}${Array.from({ length: 900 }, (_, nth) => `step ${nth}`).join('\n')}\n${fault}`,
      ),
    ).toContain('TypeError')
    expect(evidenceIn(Array.from({ length: 900 }, (_, nth) => `line ${nth}`).join('\n')).length).toBeLessThanOrEqual(
      3000,
    )
  })

  it('is compared with what mends it, once that is live', () => {
    const { task } = back({}, { mends: MENDS, planMends: [MENDS.sha], verdict: 'not enough evidence' })
    const said = (verdict: 'healthy' | 'regressed') =>
      renderMarkdown(reportComment(task, { ...report('bad1'), verdict, after: { ...MENDS.after, errors: 1 } }, 0), {
        redact: (one) => one,
      })
    expect(said('healthy')).toMatch(
      /Of `bad1000`, which was taken back, 40 of 100 requests failed \(40\.0 %\), p95 2 ms; of this release 1 of 100 .*: it helped\./,
    )
    expect(said('regressed')).toContain('**it did not help**')
  })
})
