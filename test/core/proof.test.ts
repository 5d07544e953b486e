import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Run } from '../../src/core/artefacts.ts'
import { compared, failuresIn, passedIn } from '../../src/core/failures.ts'
import { type Evidence, judgeProof, mayBeReviewed } from '../../src/core/proof.ts'

const run = (exitCode: number, failures: readonly string[] = [], passed?: number): Run => ({
  command: 'npm test',
  exitCode,
  seconds: 1,
  output: '',
  ...(failures.length > 0 ? { failures } : {}),
  ...(passed === undefined ? {} : { passed }),
})

describe('failures in what a runner printed', () => {
  const dir = mkdtempSync(join(tmpdir(), 'muster-runner-'))
  afterAll(() => rmSync(dir, { recursive: true, force: true }))
  writeFileSync(
    join(dir, 'a.test.mjs'),
    `import { test } from 'node:test'
import assert from 'node:assert/strict'
test('adds', () => {})
test('subtracts', () => assert.equal(1, 2))
test('is known to fail', { todo: true }, () => assert.equal(1, 2))
test('outer', async (t) => { await t.test('inner', () => assert.equal(1, 2)) })
`,
  )
  const node = (reporter: string) =>
    spawnSync(process.execPath, ['--test', `--test-reporter=${reporter}`, 'a.test.mjs'], { cwd: dir, encoding: 'utf8' })
      .stdout

  it.each(['tap', 'spec', 'junit'])('by Node, as %s', (reporter) => {
    const output = node(reporter)
    const found = failuresIn(output)
    for (const name of ['subtracts', 'inner']) expect(found.join('\n')).toContain(name)
    expect(found.join('\n')).not.toMatch(/\badds\b|known to fail/)
    // The same again, though its times differ.
    expect(failuresIn(node(reporter))).toEqual(found)
    if (reporter !== 'junit') expect(passedIn(output)).toBe(1)
  })

  it('by vitest', () => {
    writeFileSync(
      join(dir, 'b.spec.mjs'),
      `describe('sums', () => { it('adds', () => {}); it('subtracts', () => expect(1).toBe(2)) })\n`,
    )
    const vitest = join(import.meta.dirname, '../../node_modules/vitest/vitest.mjs')
    const { stdout, stderr } = spawnSync(process.execPath, [vitest, 'run', '--root', dir, '--globals', 'b.spec.mjs'], {
      cwd: dir,
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1', VITEST: '' },
    })
    expect(failuresIn(stdout + stderr).join('\n')).toContain('sums > subtracts')
    expect(passedIn(stdout)).toBe(1)
  })

  it.each([
    [
      'pytest',
      'FAILED tests/test_a.py::test_b[x-1] - assert 1 == 2\nFAILED tests/test_a.py::test_b[a b - c] - x - y\nFAILED some log line\nERROR tests/test_c.py\n1 failed, 3 passed in 0.02s',
      ['tests/test_a.py::test_b[a b - c]', 'tests/test_a.py::test_b[x-1]', 'tests/test_c.py'],
      3,
    ],
    [
      'go',
      '--- FAIL: TestSum (0.00s)\n    --- FAIL: TestSum/of_two (0.01s)\nFAIL\nFAIL\texample.com/sum\t0.004s',
      ['TestSum', 'TestSum/of_two', 'example.com/sum'],
      undefined,
    ],
    [
      'cargo',
      'test sums::adds ... ok\ntest sums::subtracts ... FAILED\n\ntest result: FAILED. 1 passed; 1 failed',
      ['sums::subtracts'],
      1,
    ],
    ['jest', '  ● sums › subtracts (5 ms)\n\nTests:       1 failed, 2 passed, 3 total', ['sums › subtracts'], 2],
    ['none', 'make: *** [test] Error 1', [], undefined],
  ])('by %s', (_runner, output, failures, passed) => {
    expect(failuresIn(output)).toEqual(failures)
    expect(passedIn(output)).toBe(passed)
  })

  it('are compared one by one, and a run that broke off is worse', () => {
    expect(compared(run(1, ['a'], 9), run(1, ['a', 'b'], 8))).toEqual({ kind: 'same' })
    // Nobody says how many passed: it may have broken off.
    expect(compared(run(1, ['a']), run(1, ['a', 'b']))).toEqual({ kind: 'unknown' })
    const many = Array.from({ length: 500 }, (_, nth) => `test ${nth}`)
    expect(compared(run(1, many, 1), run(1, many, 1)).kind).toBe('unknown')
    const twice = failuresIn('not ok 1 - returns 404\nnot ok 2 - returns 404')
    expect(compared(run(1, twice, 1), run(1, failuresIn('not ok 1 - returns 404'), 1))).toMatchObject({ kind: 'worse' })
    expect(compared(run(1, ['a', 'c']), run(1, ['a']))).toEqual({ kind: 'worse', fresh: ['c'] })
    expect(compared(run(1, ['a'], 3), run(1, ['a'], 9)).kind).toBe('worse')
    expect(compared(run(1), run(1, ['a'])).kind).toBe('unknown')
    expect(compared(run(124, ['a']), run(1, ['a'])).kind).toBe('unknown')
  })
})

describe('a proof', () => {
  const good: Evidence = {
    testFiles: ['test/a.test.ts'],
    support: [],
    red: run(1),
    before: run(0),
    green: run(0),
    suite: run(0),
    baseline: undefined,
    note: undefined,
  }
  const judged = (extra: Partial<Evidence>) => judgeProof({ ...good, ...extra })

  it('is red on the base and green on the head', () => {
    expect(judged({})).toMatchObject({ proved: true, red: true, green: true, suite: true })
    expect(judged({ red: run(0) }).reasons.join()).toContain('prove nothing')
    expect(judged({ testFiles: [] }).reasons.join()).toContain('no test of its own')
    expect(judged({ testFiles: [], support: ['test/fixtures/prices.csv'] }).proved).toBe(true)
  })

  it('of a suite that was red before: it must not get worse, failure by failure', () => {
    const baseline = run(1, ['old'], 5)
    const same = judged({ suite: run(1, ['old'], 6), baseline })
    expect(same.proved).toBe(true)
    expect(same.reasons.join()).toContain('red before (1 failing)')
    const worse = judged({ suite: run(1, ['old', 'new']), baseline })
    expect(worse).toMatchObject({ proved: false, suite: false })
    expect(worse.open).toBeUndefined()
    expect(worse.reasons.join()).toContain('more fails with the change: new')
    expect(judged({ suite: run(1, ['x']), baseline: run(0) }).proved).toBe(false)
  })

  it('that cannot be told is for a person: no rework is paid, and it is not called proved', () => {
    const unknown = judged({ suite: run(1), baseline: run(1) })
    expect(unknown).toMatchObject({ proved: false, open: true })
    expect(mayBeReviewed(unknown)).toBe(true)
    const note = (met: 'yes' | 'no' | 'unclear') => ({
      criteria: [{ number: 1, met, evidence: 'e' }],
      review: [],
      remarks: '',
    })
    expect(judged({ note: note('unclear') })).toMatchObject({ proved: false, open: true })
    expect(mayBeReviewed(judged({ note: note('no') }))).toBe(false)
    // What is wrong is wrong, whatever else cannot be told.
    expect(mayBeReviewed(judged({ red: run(0), note: note('unclear') }))).toBe(false)
  })

  it('with test files that were red before counts what is new in them', () => {
    const before = run(1, ['old'], 2)
    expect(
      judged({
        before,
        red: run(1, ['old', 'mine']),
        green: run(1, ['old'], 3),
        suite: run(1, ['old'], 3),
        baseline: before,
      }).proved,
    ).toBe(true)
    expect(judged({ before, red: run(1, ['old'], 2) }).reasons.join()).toContain('what fails there failed before')
    expect(judged({ before: run(1), red: run(1) })).toMatchObject({ proved: false, open: true })
  })
})
