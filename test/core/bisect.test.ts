import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ReleaseReport, Verdict } from '../../src/core/artefacts.ts'
import { afterwards, type Bisect, nextStep, suspectsText } from '../../src/core/bisect.ts'
import { renderMarkdown } from '../../src/channels/github/render.ts'
import { bisectedComment } from '../../src/core/reply/bisected.ts'
import { releasePlanComment } from '../../src/core/reply/release.ts'
import type { Release } from '../../src/core/task/types.ts'
import { Driver } from '../support/driver.ts'
import { deployed, opened, releasePlan } from '../support/tasks.ts'

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
        let bisect: Bisect = { good: GOOD, bad: all.at(-1)?.sha ?? '', skipped: [] }
        let live: string | undefined = all.at(-1)?.sha
        const asked: string[] = []
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
          const then = afterwards(tried(bisect, next.sha, outcome))
          if (!then) throw new Error('it cannot go on')
          // What got worse is taken back, or stays.
          live = outcome === 'healthy' || stays ? next.sha : bisect.good
          bisect = then
        }
        throw new Error('it does not end')
      }),
    )
  })

  it('ends where some cannot be told, and says between which it is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.nat(), fc.infiniteStream(fc.boolean()), (many, at, luck) => {
        const all = Array.from({ length: many }, (_, nth) => commit(nth + 1))
        const worse = at % many
        let bisect: Bisect = { good: GOOD, bad: all.at(-1)?.sha ?? '', skipped: [] }
        for (let step = 0; step < 200; step++) {
          const [from, to] = [
            all.findIndex(({ sha }) => sha === bisect.good),
            all.findIndex(({ sha }) => sha === bisect.bad),
          ]
          const next = nextStep(bisect, all.slice(from + 1, to + 1), bisect.good)
          if (next.kind === 'over') {
            expect(next.bisected.suspects).toContainEqual(all[worse])
            return
          }
          const isWorse = all.findIndex((one) => one.sha === next.sha) >= worse
          const told = luck.next().value
            ? isWorse
              ? 'regressed'
              : 'healthy'
            : luck.next().value
              ? 'failed'
              : 'not enough evidence'
          bisect = afterwards(tried(bisect, next.sha, told)) ?? bisect
        }
        throw new Error('it does not end')
      }),
    )
  })

  it('does not go on where what it compares with is worse itself, or does not work', () => {
    const bisect = { good: GOOD, bad: commit(9).sha, skipped: [] }
    expect(afterwards(tried(bisect, GOOD, 'regressed'))).toBeUndefined()
    expect(afterwards(tried(bisect, GOOD, 'failed'))).toBeUndefined()
    expect(afterwards(tried(bisect, GOOD, 'not enough evidence'))).toEqual(bisect)
  })

  it('says which it was, of whom, and what was tried', () => {
    const bisect = { good: GOOD, bad: commit(3).sha, skipped: [] }
    const releases = [
      tried(bisect, GOOD, 'healthy'),
      tried(bisect, commit(1).sha, 'healthy'),
      tried(bisect, commit(2).sha, 'regressed'),
    ]
    const task = { ...new Driver(opened({ workflow: 'deploy' }), 'not run').task, releases }
    const shown = (document: ReturnType<typeof bisectedComment>) => renderMarkdown(document, { redact: (text) => text })
    const text = shown(bisectedComment(task, { suspects: [commit(2)] }))
    expect(text).toContain('made it worse')
    expect(text).toContain('Change 2')
    expect(text).toContain('without it staging was not worse')
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
  const bisect: Bisect = { good: GOOD, bad: commit(4).sha, skipped: [] }
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
    const report = {
      environment: 'production',
      sha: commit(2).sha,
      url: '',
      verdict: 'healthy',
      reasons: [],
      before: NO,
      after: NO,
      probes: { passed: 1, failed: 0 },
      series: [],
    } as const
    d.step('watch', { kind: 'report', report })
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

const NO = { seconds: 1, requests: 0, errors: 0, p50: undefined, p95: undefined }
