import { describe, expect, it } from 'vitest'
import { type BaselineFinding, findingOf } from '../../src/core/baseline.ts'
import { plainDocument as plain } from '../../src/core/reply/plain.ts'
import { statusCard } from '../../src/core/reply/card.ts'
import { judgeProof } from '../../src/core/proof.ts'
import { Driver } from '../support/driver.ts'
import { alice, baseline, bob, opened, settings, spec } from '../support/tasks.ts'

const run = (exitCode: number, failures?: readonly string[]) => ({
  command: 'npm test',
  exitCode,
  seconds: 1,
  output: '',
  ...(failures ? { failures } : {}),
  ...(exitCode === 124 ? { timedOut: true } : {}),
})

describe('what the tests say before anything is changed', () => {
  it.each<[string, ReturnType<typeof run> | undefined, BaselineFinding]>([
    ['they pass', run(0), 'green'],
    ['some fail, and it is known which', run(1, ['totals']), 'red'],
    ['nobody knows the command', undefined, 'no_command'],
    ['they run out of time', run(124, ['totals']), 'hangs'],
    ['the command is not there', run(127, ['totals']), 'broken'],
    ['they are killed', run(137, ['totals']), 'broken'],
    ['they fail, and nothing says which', run(1), 'broken'],
  ])('%s', (_what, one, found) => expect(findingOf(one)).toBe(found))

  it('hides none of what follows', () => {
    const card = plain(statusCard(new Driver(opened(), 'not run').task, 2000))
    for (const row of ['**QA** Baseline', '**PM** Spec', '**SA** Design', '**SD** Change', '**QA** Proof'])
      expect(card).toContain(row)
  })

  it('comes before the spec, and lets it begin where it is usable', () => {
    for (const found of ['green', 'red'] as const) {
      const d = new Driver(opened(), 'not run')
      expect(d.ready()).toEqual(['baseline'])
      d.step('baseline', { kind: 'baseline', baseline: baseline(found) })
      expect(d.task.gates).toEqual([])
      expect(d.ready()).toEqual(['spec'])
    }
    expect(new Driver(opened({ workflow: 'question' }), 'not run').ready()).toEqual(['spec'])
  })

  it.each(['no_command', 'no_setup', 'hangs', 'broken'] as const)(
    'asks whether to go on where it is not: %s',
    (found) => {
      const d = new Driver(opened(), 'not run')
      d.step('baseline', { kind: 'baseline', baseline: baseline(found) })
      expect(d.task.gates[0]?.kind).toBe('baseline')
      expect(d.ready()).toEqual([])
      expect(d.kinds()).toContain('comment')
      const { document } = d.last.effects.map(({ body }) => body).find((body) => body.kind === 'comment') ?? {
        document: [],
      }
      const words = plain(document)
      for (const word of ['retry', 'continue', 'cancel', 'checks.', 'Nothing has been spent yet'])
        expect(words).toContain(word)
      if (found === 'broken') expect(words).toContain('vitest: not found')
      // Nothing else goes on by itself, and nothing is approved by a word that is none.
      expect(d.say({ verb: 'approve', sha: undefined }).decision.outcome).toBe('refused')
      expect(d.say({ verb: 'request', text: 'thanks' }).decision.reason).toBe('noted')
      expect(d.task.gates[0]?.kind).toBe('baseline')
    },
  )

  it('has nothing to settle while the tests are run again', () => {
    const d = new Driver(opened(), 'broken')
    d.say({ verb: 'retry', text: '' })
    d.do({ type: 'step.start', step: 'baseline' })
    d.say({ verb: 'cancel', text: '' })
    expect(d.last.effects.map(({ key }) => key).filter((key) => key.includes('baseline'))).toEqual([])
  })

  it('goes on without proof when somebody says so, and names them', () => {
    const d = new Driver(opened(), 'broken')
    expect(d.say({ verb: 'continue', usd: undefined }, bob).decision.reason).toBe('baseline_accepted')
    expect(d.ready()).toEqual(['spec'])
    expect(d.kinds()).toContain('comment.upsert')
    d.step('spec', { kind: 'spec', spec: spec() })
    expect(plain(statusCard(d.task, 5000))).toContain('bob decided to go on without proof')
  })

  it('runs them again, with the settings as they are by now', () => {
    const d = new Driver(opened(), 'no_setup')
    const mended = { ...settings, checks: { ...settings.checks, setup: 'npm ci --offline' } }
    const decided = d.do({
      type: 'person',
      command: { verb: 'retry', text: '' },
      by: alice,
      canWrite: true,
      receivedAt: d.at,
      writtenAt: d.at,
      commentId: 1,
      settings: mended,
    })
    expect(decided.decision.reason).toBe('retry')
    expect(d.task.settings.checks.setup).toBe('npm ci --offline')
    expect(d.task.gates).toEqual([])
    expect(d.ready()).toEqual(['baseline'])
    d.step('baseline', { kind: 'baseline', baseline: baseline('broken') })
    // The second question is a message of its own.
    expect(d.last.effects.map(({ key }) => key)).toContain('comment:baseline:2')
    d.say({ verb: 'cancel', text: '' })
    expect(d.task.status).toBe('cancelled')
    expect(d.last.effects.find(({ key }) => key === 'comment:baseline:2')?.body.kind).toBe('comment.upsert')
  })
})

describe('a proof of what could not be run before', () => {
  const evidence = {
    testFiles: ['a.test.ts'],
    red: undefined,
    green: undefined,
    suite: undefined,
    note: undefined,
    before: undefined,
  }
  it('is none; once somebody has decided to go on, a person decides', () => {
    expect(judgeProof(evidence)).toMatchObject({ proved: false })
    expect(judgeProof(evidence).open).toBeUndefined()
    const open = judgeProof({ ...evidence, goneOn: 'bob' })
    expect(open).toMatchObject({ proved: false, open: true, red: false, green: false, suite: false })
    expect(open.reasons.join()).toContain('bob decided')
    const hangs = { ...evidence, red: run(124), green: run(124), suite: run(124), baseline: run(124) }
    expect(judgeProof({ ...hangs, goneOn: 'bob' }).open).toBe(true)
    expect(judgeProof(hangs).open).toBeUndefined()
  })

  it('counts no run that names nothing, and none as shown', () => {
    const notFound = { red: run(127), green: run(127), suite: run(127), baseline: run(127) }
    const verdict = judgeProof({ ...evidence, ...notFound, goneOn: 'bob' })
    expect(verdict).toMatchObject({ open: true, red: false, green: false, suite: false })
    expect(verdict.reasons).toEqual([
      'the tests could not be run before the change, and bob decided to go on without proof',
    ])
    expect(judgeProof({ ...evidence, testFiles: [], suite: run(127), goneOn: 'bob' }).open).toBe(true)
    expect(judgeProof({ ...evidence, ...notFound }).open).toBeUndefined()
  })

  it('is one after all where the change mends the tests', () => {
    const mended = { red: run(1, ['a']), before: run(0), green: run(0), suite: run(0) }
    expect(judgeProof({ ...evidence, ...mended, goneOn: 'bob' }).proved).toBe(true)
  })

  it('is still refused where something plainly fails', () => {
    const worse = { ...evidence, red: run(1, ['a']), before: run(0), green: run(1, ['a']), suite: run(1, ['a', 'b']) }
    expect(judgeProof({ ...worse, baseline: run(1, ['a']), goneOn: 'bob' }).open).toBeUndefined()
  })
})
