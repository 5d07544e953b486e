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
}

type Commit = ReleasePlan['commits'][number]

/** What came of it. */
export interface Bisected {
  /** The first that is worse; several, where that could not be told of all of them. The newest last. */
  readonly suspects: readonly Commit[]
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

/** What is known once a release of it is over; undefined where it cannot go on. */
export function afterwards(release: Release): Bisect | undefined {
  const { plan, deployed, report, recalledBy } = release
  const { bisect, sha } = plan ?? {}
  if (!bisect || !sha) return undefined
  switch (outcomeOf(release)) {
    // Nothing can be compared with what does not work, or is worse itself.
    case 'ground':
      return deployed?.ok && !recalledBy && report?.verdict !== 'regressed' ? bisect : undefined
    case 'bad':
      return { ...bisect, bad: sha }
    case 'good':
      return { ...bisect, good: sha }
    case 'unknown':
      return { ...bisect, skipped: [...bisect.skipped, sha] }
    case undefined:
      return undefined
  }
}

/** In few words. */
export function suspectsText({ suspects }: Bisected): string {
  const [first] = suspects
  const last = suspects.at(-1)
  if (!first || !last) return 'nothing'
  return suspects.length === 1
    ? last.sha.slice(0, 7)
    : `one of ${suspects.length}, ${first.sha.slice(0, 7)} to ${last.sha.slice(0, 7)}`
}
