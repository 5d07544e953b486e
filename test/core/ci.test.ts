import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { judged, known, unjudged } from '../../src/core/ci/judge.ts'
import { failureIn } from '../../src/core/ci/log.ts'
import type { FailedCheck, JudgedCheck, Judgement } from '../../src/core/ci/types.ts'
import { Driver } from '../support/driver.ts'
import { design, patch, proof, spec } from '../support/tasks.ts'

const CHECK: FailedCheck = { name: 'test (22)', headSha: 'head1', text: 'red', runId: 9, isJob: true }
const run = (exitCode: number) => ({ command: 'npm test', exitCode, seconds: 1, output: 'x' })
const said = (cause: Judgement['cause']): Judgement => ({ name: CHECK.name, cause, evidence: 'the log', command: null })

describe('what a failed check is', () => {
  it('what the host saw counts before what a model says', () => {
    expect(judged(CHECK, said('flaky'), { head: run(1), base: run(0) }, []).cause).toBe('ours')
    expect(judged(CHECK, said('ours'), { head: run(1), base: run(1) }, []).cause).toBe('theirs')
    // It fails in another way without the change: the file that is wrong is not there yet.
    expect(judged(CHECK, said('ours'), { head: run(1), base: run(2) }, []).cause).toBe('ours')
    const named = (...failures: string[]) => ({ ...run(1), failures })
    expect(judged(CHECK, said('ours'), { head: named('a', 'b'), base: named('b') }, []).cause).toBe('ours')
    expect(judged(CHECK, said('ours'), { head: named('a', 'b'), base: named('b', 'a') }, []).cause).toBe('theirs')
    expect(judged(CHECK, said('environment'), { head: run(1), base: run(2) }, []).cause).toBe('theirs')
    expect(judged(CHECK, said('ours'), undefined, []).cause).toBe('ours')
    expect(judged(CHECK, undefined, undefined, []).cause).toBe('environment')
    expect(known({ ...CHECK, isRedBefore: true })?.cause).toBe('theirs')
    expect(known(CHECK)).toBeUndefined()
  })

  it('is not flaky once it was run once more and failed again', () => {
    const first = judged(CHECK, said('flaky'), undefined, [])
    expect(first.cause).toBe('flaky')
    expect(judged({ ...CHECK, runId: 10 }, said('flaky'), undefined, [first]).cause).toBe('environment')
  })

  it('is looked into twice on one head at most, and never twice by the same number', () => {
    const one: JudgedCheck = judged(CHECK, said('flaky'), undefined, [])
    expect(unjudged([CHECK], [], 'head1')).toEqual([CHECK])
    expect(unjudged([CHECK], [one], 'head1')).toEqual([])
    const again = { ...CHECK, runId: 10 }
    expect(unjudged([CHECK, again], [one], 'head1')).toEqual([again])
    expect(unjudged([{ ...CHECK, runId: 11 }], [one, { ...one, runId: 10 }], 'head1')).toEqual([])
    expect(unjudged([CHECK], [], 'head2')).toEqual([])
  })
})

describe('the workflow after a failed check', () => {
  const about = { name: CHECK.name, headSha: 'head1', runId: 9, isJob: true, url: undefined, evidence: 'why' }
  function failed(cause: JudgedCheck['cause']) {
    const d = new Driver()
    d.built()
    d.step('prove', { kind: 'proof', proof: proof('head1', true) })
    d.do({ type: 'check.failed', ...CHECK })
    d.step('triage', { kind: 'triage', judged: [{ ...about, cause }] })
    return d
  }

  it('a flaky one is run once more, once, and what is not the change’s is told and left', () => {
    const flaky = failed('flaky')
    const bodies = flaky.last.effects.map(({ body }) => body)
    expect(bodies).toContainEqual(expect.objectContaining({ kind: 'check.rerun', job: 9 }))
    expect(flaky.ready()).toEqual([])
    flaky.do({ type: 'check.passed', name: CHECK.name, headSha: 'head1' })
    expect(flaky.task.failedChecks).toEqual([])
    for (const cause of ['environment', 'theirs'] as const) {
      const d = failed(cause)
      expect(d.kinds()).toContain('comment')
      expect(d.kinds()).not.toContain('check.rerun')
      expect(d.ready()).toEqual([])
    }
  })

  it('where looking into it fails, that is tried again when somebody says so, or with a new head, and not by itself', () => {
    const d = new Driver()
    d.built()
    d.step('prove', { kind: 'proof', proof: proof('head1', true) })
    d.do({ type: 'check.failed', ...CHECK })
    const fails = (step: string) => {
      d.do({ type: 'step.start', step })
      const attempt = d.task.steps.find(({ id }) => id === step)?.attempt ?? 0
      d.do({ type: 'step.error', step, attempt, error: { code: 'x', message: 'x' } })
    }
    fails('triage')
    expect([d.ready(), d.task.steps.filter(({ kind }) => kind === 'triage').length]).toEqual([[], 1])
    d.say({ verb: 'retry', text: '' })
    expect(d.ready()).toEqual(['triage'])
    fails('triage')
    d.do({ type: 'pushed', headSha: 'head2' })
    expect(d.ready()).toEqual(['prove.2'])
    d.step('prove.2', { kind: 'proof', proof: proof('head2', true) })
    d.do({ type: 'check.failed', ...CHECK, headSha: 'head2', runId: 10 })
    expect(d.ready()).toEqual(['triage.2'])
  })

  it('SD mends what the change broke, with what was found, and people take over after two rounds', () => {
    const d = failed('ours')
    expect(d.ready()).toEqual(['rework'])
    expect(d.task.steps.at(-1)?.rework).toMatchObject({ why: 'check', name: CHECK.name })
    expect(JSON.stringify(d.task.steps.at(-1)?.rework)).toContain('QA says: why')
    for (const round of [2, 3]) {
      const rework = d.ready()[0] ?? ''
      d.step(rework, { kind: 'patch', patch: patch() })
      d.pushed(`head${round}`, rework)
      d.step(d.ready()[0] ?? '', { kind: 'proof', proof: proof(`head${round}`, true) })
      d.do({ type: 'check.failed', ...CHECK, headSha: `head${round}`, runId: round })
      const step = d.ready()[0] ?? ''
      d.step(step, { kind: 'triage', judged: [{ ...about, headSha: `head${round}`, runId: round, cause: 'ours' }] })
    }
    expect(d.task.status).toBe('handed_off')
    expect(d.task.outcome).toContain('still fails after 2 rounds')
  })
})

describe('the log of a job', () => {
  const LOG = [
    '\uFEFF2026-11-30T02:00:00.0000000Z ##[group]Run actions/checkout@v4',
    '2026-11-30T02:00:00.1000000Z with: repository',
    '2026-11-30T02:00:00.2000000Z ##[endgroup]',
    '2026-11-30T02:00:01.0000000Z ##[group]Run npm run lint',
    '2026-11-30T02:00:01.1000000Z \u001b[36;1mnpm run lint\u001b[0m',
    '2026-11-30T02:00:01.2000000Z ##[endgroup]',
    '2026-11-30T02:00:02.0000000Z /home/runner/work/shop/src/quote.ts',
    "2026-11-30T02:00:02.1000000Z ##[error]  12:7  error  'unused' is assigned a value but never used",
    '2026-11-30T02:00:02.2000000Z ##[error]Process completed with exit code 1.',
    '2026-11-30T02:00:03.0000000Z Post job cleanup.',
  ].join('\r\n')

  it('is cut to the step that failed, without times, colours and cleaning up', () => {
    const text = failureIn(LOG, 5000)
    expect(text).toBe(
      "Run npm run lint\nnpm run lint\n\n/home/runner/work/shop/src/quote.ts\nerror:   12:7  error  'unused' is assigned a value but never used",
    )
  })

  it('is never longer than wanted, whatever it is', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.constant('##[error]x'), fc.constant('not ok 1 - a'))), (lines) => {
        expect(failureIn(lines.join('\n'), 300).length).toBeLessThanOrEqual(400)
      }),
    )
  })
})

describe('a change of high risk', () => {
  const finding = {
    path: 'src/a.ts',
    from: 1,
    to: 1,
    severity: 'high' as const,
    title: 'Totals are lost',
    detail: 'x',
    suggestion: '',
    replacement: null,
    test: { path: 'test/x.test.ts', content: 'the test' },
    anchor: 'x',
    isInline: true,
    evidence: { run: { command: 't', exitCode: 1, seconds: 1, output: '' }, before: 'passes' as const },
  }
  const looked = (headSha: string, findings: (typeof finding)[]) =>
    ({ kind: 'review', reviewed: { headSha, baseSha: 'base', findings, left: [], looked: '' } }) as const

  function pushed(risk: 'low' | 'high') {
    const d = new Driver()
    d.step('spec', { kind: 'spec', spec: spec({ risk }) })
    d.step('design', { kind: 'design', design: design() })
    if (d.task.gates.length > 0) d.say({ verb: 'approve', sha: undefined })
    d.step('build', { kind: 'patch', patch: patch() })
    d.pushed('head1')
    return d
  }

  it('is looked at once by fresh eyes before it is proved; what they find is mended first, and nothing is posted', () => {
    expect(pushed('low').ready()).toEqual(['prove'])
    const d = pushed('high')
    expect(d.ready()).toEqual(['critique'])
    d.step('critique', looked('head1', [finding]))
    expect(d.kinds()).not.toContain('review.post')
    expect(d.ready()).toEqual(['rework'])
    const rework = d.task.steps.at(-1)?.rework
    expect(rework?.why === 'critique' && rework.text).toContain('fails because of it:\nthe test')
    d.step('rework', { kind: 'patch', patch: patch() })
    d.pushed('head2', 'rework')
    expect(d.ready()).toEqual(['prove'])
    d.step('prove', { kind: 'proof', proof: proof('head2', true) })
    expect(d.kinds()).toContain('pr.ready')
  })

  it('is proved at once where nothing is found, and waits where the look fails', () => {
    const d = pushed('high')
    d.step('critique', looked('head1', []))
    expect(d.ready()).toEqual(['prove'])
    const e = pushed('high')
    e.do({ type: 'step.start', step: 'critique' })
    e.do({ type: 'step.error', step: 'critique', attempt: 1, error: { code: 'x', message: 'x' } })
    expect(e.ready()).toEqual([])
    e.say({ verb: 'retry', text: '' })
    expect(e.ready()).toEqual(['critique'])
  })
})
