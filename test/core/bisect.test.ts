import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ReleaseReport, Verdict } from '../../src/core/artefacts.ts'
import { afterwards, type Bisect, nextStep, suspectsText } from '../../src/core/bisect.ts'
import { renderMarkdown } from '../../src/channels/github/render.ts'
import { bisectedComment } from '../../src/core/reply/bisected.ts'
import { releasePlanComment } from '../../src/core/reply/release.ts'
import type { Release } from '../../src/core/task/types.ts'
import { Driver } from '../support/driver.ts'
import { deployed, opened, releasePlan, report } from '../support/tasks.ts'

const commit = (nth: number) => ({
  sha: `c${nth}`.padStart(7, '0').padEnd(40, 'f'),
  title: `Change ${nth}`,
  author: 'bob',
})
const GOOD = commit(0).sha

/** A release of the row that was tried. */
function tried(bisect: Bisect, sha: string, outcome: Verdict | 'failed'): Release {
  const report = { verdict: outcome } as ReleaseReport
  return {
    index: 1,
    environment: 'staging',
    ref: undefined,
    requester: { id: 1, login: 'alice' },
    bisect,
    plan: { ...releasePlan(sha), bisect },
    deploymentId: 1,
    deployed: { ...deployed(sha), ok: outcome !== 'failed' },
    report: outcome === 'failed' ? undefined : report,
  }
}

describe('looking for the commit that made it worse', () => {
  it('finds it, whichever it is, in as few steps as there are powers of two, and never asks what it knows', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.nat(), fc.boolean(), (many, at, stays) => {
        const all = Array.from({ length: many }, (_, nth) => commit(nth + 1))
        const worse = at % many
        const verdict = (sha: string): Verdict =>
          all.findIndex((one) => one.sha === sha) >= worse ? 'regressed' : 'healthy'
        let bisect: Bisect = { good: GOOD, bad: all.at(-1)?.sha ?? '', skipped: [], row: 1 }
        let live: string | undefined = all.at(-1)?.sha
        const asked: string[] = []
        const row: Release[] = []
        for (let step = 0; step < 100; step++) {
          const [from, to] = [
            all.findIndex(({ sha }) => sha === bisect.good),
            all.findIndex(({ sha }) => sha === bisect.bad),
          ]
          const next = nextStep(bisect, all.slice(from + 1, to + 1), live)
          if (next.kind === 'over') {
            expect(next.bisected.suspects).toEqual([all[worse]])
            expect(asked.length).toBeLessThanOrEqual(Math.ceil(Math.log2(many)) + 1)
            expect(new Set(asked).size).toBe(asked.length)
            return
          }
          const outcome = next.kind === 'ground' ? 'healthy' : verdict(next.sha)
          if (next.kind === 'try') asked.push(next.sha)
          row.push(tried(bisect, next.sha, outcome))
          const then = afterwards(row)
          if (!then || 'why' in then) throw new Error(`it cannot go on: ${then?.why}`)
          // What got worse is taken back, or stays.
          live = outcome === 'healthy' || stays ? next.sha : bisect.good
          bisect = then.next
        }
        throw new Error('it does not end')
      }),
    )
  })

  it('ends where some cannot be told, after few deploys, and says between which it is or why it was given up', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.nat(),
        fc.infiniteStream(fc.nat({ max: 3 })),
        (many, at, luck) => {
          const all = Array.from({ length: many }, (_, nth) => commit(nth + 1))
          const worse = at % many
          let bisect: Bisect = { good: GOOD, bad: all.at(-1)?.sha ?? '', skipped: [], row: 1 }
          let live: string | undefined = all.at(-1)?.sha
          const row: Release[] = []
          const most = 2 * (3 * (Math.ceil(Math.log2(many)) + 2) + 1)
          while (row.length <= most) {
            const [from, to] = [
              all.findIndex(({ sha }) => sha === bisect.good),
              all.findIndex(({ sha }) => sha === bisect.bad),
            ]
            const next = nextStep(bisect, all.slice(from + 1, to + 1), live)
            if (next.kind === 'over') {
              expect(next.bisected.suspects).toContainEqual(all[worse])
              return
            }
            const isWorse = all.findIndex((one) => one.sha === next.sha) >= worse
            const chance = next.kind === 'ground' ? 3 : luck.next().value
            const told =
              chance > 1 ? (isWorse ? 'regressed' : 'healthy') : chance > 0 ? 'failed' : 'not enough evidence'
            row.push(tried(bisect, next.sha, told))
            live = told === 'failed' ? live : next.sha
            const then = afterwards(row)
            if (!then) throw new Error('nothing follows')
            if ('why' in then) {
              expect(then.why).toContain('could not be told')
              return
            }
            bisect = then.next
          }
          throw new Error(`it does not end: ${row.length} of ${many}`)
        },
      ),
    )
  })

  it('is given up where it cannot go on, and says why', () => {
    const bisect = { good: GOOD, bad: commit(9).sha, skipped: [], row: 1 }
    const worse = tried(bisect, commit(4).sha, 'regressed')
    const WHY: readonly (readonly [readonly Release[], string])[] = [
      [[tried(bisect, GOOD, 'regressed')], 'is worse as well'],
      [[tried(bisect, GOOD, 'failed')], 'could not be deployed'],
      [[tried(bisect, GOOD, 'healthy'), tried(bisect, GOOD, 'healthy')], 'nobody can tell what is live'],
      [
        [{ ...worse, rolledBack: { ok: false, isSwitched: false, to: GOOD, log: '', error: 'x', ms: 1 } }],
        'could not be taken back',
      ],
      [[{ ...worse, report: undefined, recalledBy: { id: 2, login: 'bob' } }], 'bob took back what was tried'],
    ]
    for (const [row, why] of WHY) expect(afterwards(row)).toEqual({ why: expect.stringContaining(why) as string })
    expect(afterwards([tried(bisect, GOOD, 'not enough evidence')])).toEqual({ next: bisect })
  })

  it('says which it was, of whom, and what was tried', () => {
    const bisect = { good: GOOD, bad: commit(3).sha, skipped: [], row: 1 }
    const releases = [
      tried(bisect, GOOD, 'healthy'),
      tried(bisect, commit(1).sha, 'healthy'),
      {
        ...tried(bisect, commit(2).sha, 'regressed'),
        rolledBack: { ok: true, isSwitched: true, to: commit(1).sha, log: '', ms: 1, error: undefined },
      },
    ]
    const task = { ...new Driver(opened({ workflow: 'deploy' }), 'not run').task, releases }
    const shown = (document: ReturnType<typeof bisectedComment>) => renderMarkdown(document, { redact: (text) => text })
    const text = shown(bisectedComment(task, 1, { suspects: [commit(2)] }))
    expect(text).toContain('made it worse')
    expect(text).toContain('Change 2')
    expect(text).toContain('without it staging was not worse')
    expect(text).toMatch(/staging serves .*00000c1/)
    const given = shown(bisectedComment(task, 1, { suspects: [], why: 'nobody can tell' }))
    expect(given).toContain('given up: nobody can tell')
    expect(given).toContain('at the latest')
    expect(suspectsText({ suspects: [commit(2), commit(3)] })).toBe('one of 2, 00000c2 to 00000c3')
  })
})

const ASK = { verb: 'bisect', environment: 'production', good: GOOD, bad: commit(4).sha } as const

describe('a row of releases', () => {
  function row() {
    const d = new Driver(opened({ workflow: 'deploy' }), 'not run')
    d.say(ASK)
    return d
  }
  const bisect: Bisect = { good: GOOD, bad: commit(4).sha, skipped: [], row: 1 }
  const planned = (d: Driver, sha: string, of = bisect) =>
    d.step('release_plan', { kind: 'release_plan', plan: { ...releasePlan(sha), approval: 'none', bisect: of } })

  it('asks for the next one by itself, from what the last one said, until nothing is left', () => {
    const d = row()
    expect(d.task.releases.at(-1)?.bisect).toEqual(bisect)
    planned(d, commit(2).sha)
    expect(d.task.releases).toHaveLength(1)
    const text = renderMarkdown(releasePlanComment(d.task, d.task.releases[0] as Release), { redact: (one) => one })
    expect(text).toContain('to find what made it worse, between')
    d.recorded(1)
    d.step('deploy', { kind: 'deployed', deployed: deployed(commit(2).sha) })
    d.step('watch', { kind: 'report', report: report(commit(2).sha) })
    expect(d.task.releases.at(-1)).toMatchObject({ index: 2, bisect: { ...bisect, good: commit(2).sha } })
    d.step('release_plan.2', { kind: 'bisected', bisected: { suspects: [commit(3)] } })
    expect(d.task).toMatchObject({ status: 'done', outcome: 'looked for what is worse: 00000c3' })
  })

  it('ends where somebody rejects a step, and where there is nothing to look for', () => {
    const d = row()
    d.step('release_plan', { kind: 'release_plan', plan: { ...releasePlan(commit(2).sha), bisect } })
    d.say({ verb: 'reject', text: 'no' })
    expect(d.task.status).not.toBe('working')
    expect(d.task.releases).toHaveLength(1)
    const none = new Driver(opened({ workflow: 'deploy' }), 'not run')
    none.say({ verb: 'bisect', environment: 'production', good: undefined, bad: undefined })
    expect(none.last.decision.reason).toBe('nothing_to_bisect')
  })
})
