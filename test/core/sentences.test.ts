import { describe, expect, it } from 'vitest'
import { parseRepositorySettings } from '../../src/config/repository.ts'
import { renderMarkdown } from '../../src/channels/github/render.ts'
import { statusReply } from '../../src/core/reply/answers.ts'
import { statusCard } from '../../src/core/reply/card.ts'
import type { Document } from '../../src/core/reply/document.ts'
import { environmentNames } from '../../src/core/settings.ts'
import { decide } from '../../src/core/deciding/decide.ts'
import { branchName } from '../../src/core/task/publishing.ts'
import type { Step, Task } from '../../src/core/task/types.ts'
import { alice, deployed, opened, proof, releasePlan, said } from '../support/tasks.ts'

const text = (document: Document | undefined) => renderMarkdown(document ?? [], { redact: (words) => words })
const base = opened().task
const step = (id: string, extra: Partial<Step> = {}): Step => ({
  ...(base.steps[0] as Step),
  id,
  status: 'done',
  ...extra,
})
const answer = (task: Task, words: Parameters<typeof said>[0]) => {
  const { decision, reply } = decide(task, { ...said(words), settings: task.settings }, 1_000_000)
  return `${decision.reason}: ${text(reply)}`
}
const release = (index: number, ok: boolean, previousSha?: string) => ({
  index,
  environment: 'production',
  ref: undefined,
  requester: alice,
  plan: releasePlan('abc'),
  deploymentId: 1,
  deployed: { ...deployed('abc', ok), previousSha },
  report: undefined,
})

describe('sentences are true', () => {
  it('status counts to now', () => {
    expect(text(statusReply(base, base.openedAt + 3_600_000))).toContain('1 h')
  })

  it('asked for again while PM works it does not wait, and at the plan gate there is nothing to deploy', () => {
    expect(answer(base, { verb: 'build', text: '' })).toContain('it is being worked on')
    const atPlan: Task = { ...base, status: 'waiting', gates: [{ kind: 'plan', hash: 'h', openedAt: 1, reason: 'x' }] }
    expect(answer(atPlan, { verb: 'deploy', environment: 'production', ref: undefined })).toContain(
      'There is no pull request yet',
    )
  })

  it('a first deploy that failed leaves nothing live, and is not done', () => {
    const merged = { sha: 'abc', by: alice, at: 2 }
    for (const [previous, words] of [
      [undefined, 'nothing is live there'],
      ['old', 'the previous release keeps serving'],
    ] as const) {
      const failed = step('deploy', { kind: 'deploy', role: 'sre', release: 1, status: 'running', attempt: 1 })
      const pending = { ...release(1, false, previous), deployed: undefined }
      const task: Task = { ...base, merged, status: 'working', releases: [pending], steps: [step('spec'), failed] }
      const result = { kind: 'deployed', deployed: { ...deployed('abc', false), previousSha: previous } } as const
      const outcome = decide(task, { type: 'step.result', step: 'deploy', attempt: 1, result }, 1_000_000)
      const card = text(statusCard(outcome.task, 1_000_000))
      expect(card).toContain(words)
      expect(card).not.toContain('**Done**')
      expect(card).toContain('not released')
    }
  })

  it('what failed with an earlier release is not asked about under a later one', () => {
    const error = { code: 'x', message: 'the old plan failed', retryable: false }
    const failed = step('release_plan', { kind: 'release_plan', role: 'sre', release: 1, status: 'failed', error })
    const merged = { sha: 'abc', by: alice, at: 2 }
    const first: Task = { ...base, merged, status: 'waiting', releases: [release(1, false)], steps: [failed] }
    expect(text(statusCard(first, 1_000_000))).toContain('the old plan failed')
    const later: Task = { ...first, releases: [release(1, false), { ...release(2, true), deployed: undefined }] }
    expect(text(statusCard(later, 1_000_000))).not.toContain('the old plan failed')
  })

  it('nobody is waited for between two steps', () => {
    const pullRequest = { number: 6, nodeId: 'n', url: 'http://x', draft: true }
    const between: Task[] = [
      { ...base, steps: [step('build', { kind: 'build' })], unpushed: 'build' },
      { ...base, steps: [step('build', { kind: 'build' })], headSha: 'h' },
      { ...base, steps: [step('prove', { kind: 'prove' })], headSha: 'h', pullRequest, proofs: [proof('h', true)] },
    ]
    for (const task of between) {
      const noted = decide(task, said({ verb: 'note', meant: undefined, text: 'x' }), 1_000_000).task
      expect(noted.status).toBe('working')
    }
  })

  it('a branch is named in whole words', () => {
    const named = (title: string) => branchName({ ...base, origin: { ...base.origin, title } })
    expect(named('Charge the right tier')).toBe('muster/5-charge-the-right-tier')
    expect(named('Totals of invoices are rounded before they are summed')).toBe(
      'muster/5-totals-of-invoices-are-rounded-before',
    )
    expect(named(`x${'y'.repeat(60)}`)).toBe(`muster/5-x${'y'.repeat(39)}`)
    expect(named('???')).toBe('muster/5-change')
  })

  it('environments are named in the order of the file, wherever they were stored', () => {
    const read = parseRepositorySettings(
      'environments:\n  production: { start: a, port: 1 }\n  qa: { start: a, port: 2 }\n  staging: { start: a, port: 3 }\n',
    )
    if (!read.ok) throw new Error('not valid')
    const names = ['production', 'qa', 'staging']
    expect(environmentNames(read.settings)).toEqual(names)
    // The database's order: the shortest first.
    const stored = Object.fromEntries(
      Object.entries(read.settings.environments).sort(([one], [other]) => one.length - other.length),
    )
    expect(environmentNames({ ...read.settings, environments: stored })).toEqual(names)
  })
})
