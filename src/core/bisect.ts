import type { ReleasePlan } from './artefacts.ts'
import type { Release } from './task/release.ts'

/** Which of many commits made a release worse: one after the other from the middle is deployed and watched, as `git bisect` does it. Pure. */

/** What is known so far. */
export interface Bisect {
  /** It is not worse, and nothing before it is. */
  readonly good: string
  /** It is worse. */
  readonly bad: string
  /** Those of which that could not be told. */
  readonly skipped: readonly string[]
  /** Which row of its task it is: the number of the first release of it. */
  readonly row: number
}

type Commit = ReleasePlan['commits'][number]

/** What came of it. */
export interface Bisected {
  /** The first that is worse; several, where that could not be told of all of them. The newest last. Empty where it was given up. */
  readonly suspects: readonly Commit[]
  /** Why it was given up. */
  readonly why?: string | undefined
}

/** What is deployed next. */
export type NextStep =
  | { readonly kind: 'try'; readonly sha: string }
  /** What is not worse, since it is what the others are compared with. */
  | { readonly kind: 'ground'; readonly sha: string }
  | { readonly kind: 'over'; readonly bisected: Bisected }

/**
 * @param commits after the good one up to the bad one, the oldest first
 * @param live what serves there now
 */
export function nextStep({ good, skipped }: Bisect, commits: readonly Commit[], live: string | undefined): NextStep {
  const open = commits.slice(0, -1)
  const candidates = open.filter(({ sha }) => !skipped.includes(sha))
  const middle = (open.length - 1) / 2
  const [next] = candidates.toSorted((a, b) => Math.abs(open.indexOf(a) - middle) - Math.abs(open.indexOf(b) - middle))
  if (!next) return { kind: 'over', bisected: { suspects: commits } }
  return live === good ? { kind: 'try', sha: next.sha } : { kind: 'ground', sha: good }
}

/** What a release of such a row says; undefined while it is not over, and of others. `ground`: what the others are compared with. */
export function outcomeOf({
  plan,
  deployed,
  report,
  recalledBy,
}: Release): 'good' | 'bad' | 'unknown' | 'ground' | undefined {
  const { bisect, sha } = plan ?? {}
  if (!bisect || deployed?.isStale || !(deployed || report)) return undefined
  if (sha === bisect.good) return 'ground'
  if (recalledBy || report?.verdict === 'regressed') return 'bad'
  return report?.verdict === 'healthy' ? 'good' : 'unknown'
}

/** The releases of a row, the first of them first. */
export function rowOf(releases: readonly Release[], row: number): readonly Release[] {
  return releases.filter(({ bisect }) => bisect?.row === row)
}

/** So many in a row may not be told: then nobody goes on by themselves. */
const MOST_UNKNOWN = 3

/** What follows once the last release of a row is over: what is known then, or why nothing does. */
export function afterwards(row: readonly Release[]): { readonly next: Bisect } | { readonly why: string } | undefined {
  const last = row.at(-1)
  const { bisect, sha } = last?.plan ?? {}
  if (!last || !bisect || !sha) return undefined
  const stop = stopOf(row, last)
  if (stop) return { why: stop }
  switch (outcomeOf(last)) {
    case 'ground':
      return { next: bisect }
    case 'bad':
      return { next: { ...bisect, bad: sha } }
    case 'good':
      return { next: { ...bisect, good: sha } }
    case 'unknown':
      return { next: { ...bisect, skipped: [...bisect.skipped, sha] } }
    case undefined:
      return undefined
  }
}

/** Why nobody goes on by themselves. */
function stopOf(
  row: readonly Release[],
  { deployed, report, recalledBy, rolledBack, environment }: Release,
): string | undefined {
  if (recalledBy) return `${recalledBy.login} took back what was tried`
  if (rolledBack && !rolledBack.ok) return 'what was worse could not be taken back'
  const outcomes = row.map(outcomeOf)
  if (outcomes.at(-1) === 'ground') {
    // Nothing can be compared with what does not work, or is worse itself.
    if (!deployed?.ok) return 'what is not worse could not be deployed'
    if (report?.verdict === 'regressed') return 'what was said not to be worse is worse as well'
    if (outcomes.at(-2) === 'ground') return `nobody can tell what is live on ${environment}`
  }
  const told = outcomes.filter((one) => one !== 'ground')
  const isTold = told.length < MOST_UNKNOWN || told.slice(-MOST_UNKNOWN).some((one) => one !== 'unknown')
  return isTold ? undefined : `of ${MOST_UNKNOWN} in a row it could not be told whether they are worse`
}

/** In few words. */
export function suspectsText({ suspects, why }: Bisected): string {
  const [first] = suspects
  const last = suspects.at(-1)
  if (!first || !last) return why ?? 'nothing was found'
  return suspects.length === 1
    ? last.sha.slice(0, 7)
    : `one of ${suspects.length}, ${first.sha.slice(0, 7)} to ${last.sha.slice(0, 7)}`
}
