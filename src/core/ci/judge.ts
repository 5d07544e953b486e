import type { Run } from '../artefacts.ts'
import type { FailedCheck, JudgedCheck, Judgement } from './types.ts'

/** Decides what a failed check is, from what a model says and what the host saw. Pure. */

/** What a command that is said to show the failure did. */
export interface Reproduced {
  readonly head: Run
  readonly base: Run
}

/** What is known without asking anybody. */
export function known(check: FailedCheck): JudgedCheck | undefined {
  return check.isRedBefore
    ? { ...about(check), cause: 'theirs', evidence: 'The same check is red on the commit that the change began with.' }
    : undefined
}

/**
 * What the host saw counts before what a model says: a command that fails with the change and passes without it shows that the
 * change did it; one that fails without it as well, that it did not. What was run once more and failed again is not flaky.
 */
export function judged(
  check: FailedCheck,
  said: Judgement | undefined,
  seen: Reproduced | undefined,
  earlier: readonly JudgedCheck[],
): JudgedCheck {
  const base = about(check)
  const evidence = said?.evidence ?? 'Nobody could say why.'
  if (seen && seen.head.exitCode !== 0) {
    if (seen.base.exitCode === 0) return { ...base, cause: 'ours', evidence, reproduced: seen.head }
    if (said?.cause !== 'ours' || isAlike(seen))
      return { ...base, cause: 'theirs', evidence: `${evidence} The same command fails without the change as well.` }
  }
  if (!said) return { ...base, cause: 'environment', evidence }
  const isAgain = earlier.some(
    (one) => one.name === check.name && one.headSha === check.headSha && one.cause === 'flaky',
  )
  if (said.cause === 'flaky' && isAgain)
    return { ...base, cause: 'environment', evidence: `It was run once more, and failed again. ${evidence}` }
  return { ...base, cause: said.cause, evidence }
}

/** Whether it fails in the same way without the change: a file that is not there yet is another one. */
function isAlike({ head, base }: Reproduced): boolean {
  const names = (run: Run) => (run.failures ?? []).toSorted().join('\n')
  if (head.exitCode !== base.exitCode || names(head) !== names(base)) return false
  return (head.failures ?? []).length > 0 || head.output.trim() === base.output.trim()
}

function about({ name, headSha, runId, isJob = false, url }: FailedCheck): Omit<JudgedCheck, 'cause' | 'evidence'> {
  return { name, headSha, runId, isJob, url }
}

/** Failed checks of a head that nobody has looked into. */
export function unjudged(
  failed: readonly FailedCheck[],
  judgedChecks: readonly JudgedCheck[],
  headSha: string | undefined,
): FailedCheck[] {
  return failed.filter(
    (check) =>
      check.headSha === headSha &&
      !judgedChecks.some((one) => isSame(one, check)) &&
      roundsOf(judgedChecks, check) < ROUNDS,
  )
}

/** So often a check is looked into on one head. */
const ROUNDS = 2

function roundsOf(all: readonly JudgedCheck[], { name, headSha }: FailedCheck): number {
  return all.filter((one) => one.name === name && one.headSha === headSha).length
}

/** A check that is run once more has the same name and another number. */
function isSame(one: JudgedCheck, { name, headSha, runId }: FailedCheck): boolean {
  return one.name === name && one.headSha === headSha && one.runId === runId
}
