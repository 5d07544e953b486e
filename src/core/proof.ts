import type { Proof, ProofVerdict, Run } from './artefacts.ts'

/** What QA saw, before it is judged. */
export type Evidence = Pick<Proof, 'testFiles' | 'red' | 'green' | 'suite' | 'note'> & {
  /** The test files as they were on the base, where they existed there. */
  readonly before: Run | undefined
}

/**
 * Red to green: the new tests fail without the change and pass with it, the whole suite passes, and no acceptance
 * criterion is unmet. Anything missing is not proved.
 */
export function judgeProof(evidence: Evidence): ProofVerdict {
  const { red, green, suite, before, note, testFiles } = evidence
  const isRed =
    red !== undefined && red.exitCode !== 0 && red.exitCode !== 124 && (before === undefined || before.exitCode === 0)
  const isGreen = green?.exitCode === 0
  const passes = suite?.exitCode === 0
  const failures = [
    ...(testFiles.length === 0 ? ['the change has no test of its own'] : []),
    ...(suite === undefined ? ['there is no command that runs the tests (set checks.test in .github/muster.yml)'] : []),
    ...(testFiles.length > 0 && !isRed ? [notRed(red, before)] : []),
    ...(testFiles.length > 0 && !isGreen
      ? [`the new tests ${green?.exitCode === 124 ? 'run out of time' : 'fail'} with the change`]
      : []),
    ...(suite && !passes
      ? [`the whole suite ${suite.exitCode === 124 ? 'runs out of time' : 'fails'} with the change`]
      : []),
    ...(note?.criteria ?? [])
      .filter((item) => item.met === 'no')
      .map((item) => `criterion ${item.number} is not met: ${item.evidence}`),
    ...(note?.review ?? [])
      .filter((item) => item.done === 'no')
      .map((item) => `review comment ${item.number} is not done: ${item.evidence}`),
  ]
  const proved = failures.length === 0
  return {
    proved,
    red: isRed,
    green: isGreen,
    suite: passes,
    reasons: proved ? ['the new tests fail on the base and pass on the head, and the whole suite passes'] : failures,
  }
}

function notRed(red: Run | undefined, before: Run | undefined): string {
  if (before && before.exitCode !== 0) return 'the test files already fail on the base without the new tests'
  if (red?.exitCode === 124) return 'the new tests run out of time on the base'
  return 'the new tests pass without the change too, so they prove nothing'
}
