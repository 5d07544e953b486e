import type { Proof, ProofVerdict, Run } from './artefacts.ts'
import { compared } from './failures.ts'

/** What QA saw, before it is judged. */
export type Evidence = Pick<Proof, 'testFiles' | 'red' | 'green' | 'suite' | 'note' | 'baseline' | 'support'> & {
  /** The test files as they were on the base, where they existed there. */
  readonly before: Run | undefined
  /** Who decided to go on although the tests could not be run before the change. */
  readonly goneOn?: string | undefined
}

/** What speaks against a proof: it is wrong, or a person has to look. */
interface Finding {
  readonly text: string
  readonly isOpen: boolean
}

/**
 * Red to green: the new tests fail without the change and pass with it, the whole suite passes, and no acceptance criterion is unmet.
 * Where tests were red before the change, it must not get worse, failure by failure. Anything missing is not proved; what cannot be told
 * is for a person to decide.
 */
export function judgeProof(evidence: Evidence): ProofVerdict {
  const { suite, testFiles, support = [] } = evidence
  const hasTests = testFiles.length + support.length > 0
  const told = goneOnTold(evidence)
  const red = told(hasTests ? redness(evidence) : wrong('the change has no test of its own'), evidence.red)
  const green = told(hasTests ? greenness(evidence) : undefined, evidence.green)
  const whole = told(wholeness(evidence), suite)
  const runs = [red, green, whole].filter((one) => one !== undefined)
  const findings = [...inOne(runs, evidence), ...noted(evidence)]
  const proved = findings.length === 0
  return {
    proved,
    red: hasTests && red === undefined,
    green: hasTests && green === undefined,
    suite: suite !== undefined && whole === undefined,
    reasons: proved ? [provedBecause(evidence)] : findings.map(({ text }) => text),
    ...(!proved && findings.every(({ isOpen }) => isOpen) ? { open: true } : {}),
  }
}

/** Whether a change may be reviewed: it is proved, or a person has to decide. */
export function mayBeReviewed({ proved, open }: ProofVerdict): boolean {
  return proved || open === true
}

const wrong = (text: string): Finding => ({ text, isOpen: false })
const open = (text: string): Finding => ({ text, isOpen: true })

/** Where somebody goes on without tests that cannot be run, that is one thing, and said once. */
function inOne(runs: readonly Finding[], { goneOn }: Evidence): readonly Finding[] {
  const isUntold = goneOn !== undefined && runs.length > 0 && runs.every(({ isOpen }) => isOpen)
  return isUntold
    ? [open(`the tests could not be run before the change, and ${goneOn} decided to go on without proof`)]
    : runs
}

/**
 * Tests that could not be run before prove nothing and disprove nothing, once somebody has decided to go on without: a run counts for
 * something only where it passed, or names what failed.
 */
function goneOnTold({ goneOn }: Evidence): (finding: Finding | undefined, run: Run | undefined) => Finding | undefined {
  return (finding, run) => {
    const isTelling =
      run !== undefined && (run.exitCode === 0 || (run.exitCode < 124 && (run.failures ?? []).length > 0))
    return goneOn === undefined || isTelling ? finding : open(finding?.text ?? 'the tests could not be run')
  }
}

function provedBecause({ suite, baseline }: Evidence): string {
  const known = baseline?.failures?.length ?? 0
  return suite?.exitCode === 0
    ? 'the new tests fail on the base and pass on the head, and the whole suite passes'
    : `the new tests fail on the base and pass on the head; the whole suite was red before (${known} failing) and is no worse`
}

/** The new tests must fail without the change, beyond what failed there already. */
function redness({ red, before }: Evidence): Finding | undefined {
  if (red === undefined || red.exitCode === 0)
    return wrong('the new tests pass without the change too, so they prove nothing')
  if (red.exitCode === 124) return wrong('the new tests run out of time on the base')
  if (before === undefined || before.exitCode === 0) return undefined
  const than = compared(red, before)
  if (than.kind === 'worse') return undefined
  return than.kind === 'same'
    ? wrong('the new tests pass without the change too: what fails there failed before')
    : open('the test files fail on the base without the new tests already, and which tests those are cannot be told')
}

function greenness({ green, before }: Evidence): Finding | undefined {
  if (green?.exitCode === 0) return undefined
  if (green?.exitCode === 124) return wrong('the new tests run out of time with the change')
  if (!green || !before || before.exitCode === 0) return wrong('the new tests fail with the change')
  const than = compared(green, before)
  if (than.kind === 'same') return undefined
  return than.kind === 'worse'
    ? wrong(`the new tests fail with the change: ${listed(than.fresh)}`)
    : open('the test files fail with the change and without it, and whether in the same tests cannot be told')
}

function wholeness({ suite, baseline }: Evidence): Finding | undefined {
  if (suite === undefined)
    return wrong('there is no command that runs the tests (set checks.test in .github/muster.yml)')
  if (suite.exitCode === 0) return undefined
  if (suite.exitCode === 124) return wrong('the whole suite runs out of time with the change')
  if (!baseline || baseline.exitCode === 0) return wrong('the whole suite fails with the change')
  const than = compared(suite, baseline)
  if (than.kind === 'same') return undefined
  return than.kind === 'worse'
    ? wrong(`the whole suite was red before, and more fails with the change: ${listed(than.fresh)}`)
    : open('the whole suite is red on the base too, and whether the change makes it worse cannot be told')
}

/** What QA read out of the evidence. */
function noted({ note }: Evidence): Finding[] {
  const criteria = (note?.criteria ?? []).flatMap(({ number, met, evidence }) => {
    if (met === 'no') return [wrong(`criterion ${number} is not met: ${evidence}`)]
    return met === 'unclear' ? [open(`criterion ${number} is unclear: ${evidence}`)] : []
  })
  const review = (note?.review ?? []).flatMap(({ number, done, evidence }) => {
    if (done === 'no') return [wrong(`review comment ${number} is not done: ${evidence}`)]
    return done === 'unclear' ? [open(`whether review comment ${number} is done is unclear: ${evidence}`)] : []
  })
  return [...criteria, ...review]
}

const SHOWN = 5

function listed(names: readonly string[]): string {
  const more = names.length - SHOWN
  return `${names.slice(0, SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
