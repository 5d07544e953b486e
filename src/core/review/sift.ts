import type { Evidence, Finding, Kept, Left, Reviewed } from './findings.ts'
import { hunkWith, type Shown } from './hunks.ts'

/** Which findings are worth a person's time. Pure; a model's own judgement of them does not count here. */

/** A finding, and what its test said: it failed, it passed (so there is no fault), or it says nothing. */
export interface Tried {
  readonly finding: Finding
  readonly outcome: Evidence | 'passed' | undefined
  /** The text of its first line. */
  readonly anchor: string
}

/** Only what the change can be blamed for, is not refuted by its own test, and is no trifle without any. */
export function sift(tried: readonly Tried[], shown: ReadonlyMap<string, Shown>): Pick<Reviewed, 'findings' | 'left'> {
  const left: Left[] = []
  const findings: Kept[] = []
  for (const one of tried) {
    const why = whyNot(one, shown)
    if (why) left.push({ title: one.finding.title, why })
    else findings.push(kept(one, shown))
  }
  return { findings: bySeverity(findings), left }
}

function whyNot({ finding, outcome }: Tried, shown: ReadonlyMap<string, Shown>): Left['why'] | undefined {
  if (outcome === 'passed') return 'refuted'
  // What was broken by the change elsewhere has to be shown by a test that passed before it.
  if (!shown.has(finding.path) && outcome?.before !== 'passes') return 'outside'
  return finding.severity === 'low' && outcome === undefined ? 'minor' : undefined
}

function kept({ finding, outcome, anchor }: Tried, shown: ReadonlyMap<string, Shown>): Kept {
  const [from, to] = [Math.min(finding.from, finding.to), Math.max(finding.from, finding.to)]
  const file = shown.get(finding.path)
  const isWhole = hunkWith(file, from, to) !== undefined
  const evidence = outcome === 'passed' ? undefined : outcome
  // A replacement that does not mend it is no help, and one for lines that are not shown cannot be taken over.
  const isOffered = isWhole && evidence?.mended !== false
  const replacement = isOffered ? (finding.replacement?.replace(/\n$/, '') ?? null) : null
  // Where its lines reach out of what is shown, it stands at the first of them.
  const isInline = isWhole || hunkWith(file, from, from) !== undefined
  return { ...finding, from, to: isWhole ? to : from, replacement, anchor, isInline, evidence }
}

const ORDER = { high: 0, medium: 1, low: 2 } as const

function bySeverity(findings: readonly Kept[]): Kept[] {
  return findings.toSorted((one, other) => ORDER[one.severity] - ORDER[other.severity])
}

/** Without what was said of this pull request before, whatever line it stands on by now, and what is said twice. */
export function withoutKnown(earlier: readonly Reviewed[], reviewed: Reviewed): Reviewed {
  const said = earlier.flatMap(({ findings }) => [...findings])
  const findings: Kept[] = []
  const left = [...reviewed.left]
  for (const one of reviewed.findings) {
    if ([...said, ...findings].some((other) => isSame(one, other))) left.push({ title: one.title, why: 'known' })
    else findings.push(one)
  }
  return { ...reviewed, findings, left }
}

/** So much of two titles' words is the same where they are about one fault. */
const ALIKE = 0.5
/** A shorter line may stand anywhere. */
const TELLING = 8

function isSame(one: Kept, other: Kept): boolean {
  if (one.path !== other.path) return false
  const isSameLine = one.anchor.length >= TELLING && one.anchor === other.anchor
  return isSameLine || likeness(one.title, other.title) >= ALIKE
}

/** Shared words of all words (Jaccard index). */
function likeness(one: string, other: string): number {
  const [first, second] = [wordsOf(one), wordsOf(other)]
  const shared = [...first].filter((word) => second.has(word)).length
  const all = first.size + second.size - shared
  return all === 0 ? 0 : shared / all
}

function wordsOf(text: string): Set<string> {
  return new Set(text.toLowerCase().match(/[\p{L}\p{N}_]{3,60}/gu) ?? [])
}
