import { z } from 'zod'
import { columns } from '../../src/cli/columns.ts'
import { duration } from '../../src/core/reply/document.ts'

/** What came of one case with one arm. */
export const CaseResult = z.object({
  name: z.string(),
  language: z.string().optional(),
  arm: z.string(),
  outcome: z.enum(['solved', 'unsolved', 'stopped', 'skipped', 'invalid', 'error']),
  reason: z.string(),
  /** Whether Muster itself proved it; undefined: the arm proves nothing. */
  proved: z.boolean().optional(),
  turns: z.number(),
  usd: z.number(),
  seconds: z.number(),
})
export type CaseResult = z.infer<typeof CaseResult>

/** One run of all cases. */
export const EvalResults = z.object({
  version: z.literal(1),
  at: z.string(),
  models: z.string(),
  cases: z.array(CaseResult),
})
export type EvalResults = z.infer<typeof EvalResults>

/** What one arm came to over its cases: those left out count nowhere. */
export interface ArmSummary {
  readonly arm: string
  readonly cases: number
  readonly solved: number
  readonly medianTurns: number
  readonly medianUsd: number
  readonly medianSeconds: number
  readonly totalUsd: number
}

/** The middle one; of an even number the mean of the two; 0 of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const [low = 0, high = low] = [
    sorted[Math.floor((sorted.length - 1) / 2)],
    sorted[Math.ceil((sorted.length - 1) / 2)],
  ]
  return (low + high) / 2
}

/** Left out: nothing can be said of the arm by it. */
const LEFT_OUT: Readonly<Record<CaseResult['outcome'], boolean>> = {
  solved: false,
  unsolved: false,
  stopped: false,
  error: false,
  skipped: true,
  invalid: true,
}

export function summaryOf(cases: readonly CaseResult[], arm: string): ArmSummary {
  const counted = cases.filter((one) => one.arm === arm && !LEFT_OUT[one.outcome])
  return {
    arm,
    cases: counted.length,
    solved: counted.filter(({ outcome }) => outcome === 'solved').length,
    medianTurns: median(counted.map(({ turns }) => turns)),
    medianUsd: median(counted.map(({ usd }) => usd)),
    medianSeconds: median(counted.map(({ seconds }) => seconds)),
    totalUsd: counted.reduce((sum, { usd }) => sum + usd, 0),
  }
}

/** The arms that were run, in order. */
export function armsIn(cases: readonly CaseResult[]): string[] {
  return [...new Set(cases.map(({ arm }) => arm))]
}

const table = (rows: readonly (readonly string[])[]) => columns(rows, 3).join('\n')
const usd = (value: number) => `$${value.toFixed(value < 0.1 ? 3 : 2)}`
const time = (seconds: number) => duration(seconds * 1000)

/** One run, case by case, then each arm's medians. */
export function resultsText({ cases }: EvalResults): string {
  const rows = cases.map((one) => [
    one.name,
    one.arm,
    one.proved ? `${one.outcome}, proved` : one.outcome,
    String(one.turns),
    usd(one.usd),
    time(one.seconds),
  ])
  const sums = armsIn(cases).map((arm) => {
    const sum = summaryOf(cases, arm)
    const rate = sum.cases > 0 ? ` (${Math.round((100 * sum.solved) / sum.cases)} %)` : ''
    return [
      'median',
      arm,
      `${sum.solved} of ${sum.cases} solved${rate}`,
      String(sum.medianTurns),
      usd(sum.medianUsd),
      time(sum.medianSeconds),
    ]
  })
  const failures = cases
    .filter(({ outcome }) => outcome !== 'solved')
    .map(({ name, arm, outcome, reason }) => `${name} (${arm}): ${outcome}: ${reason}`)
  return [
    table([['Case', 'Arm', 'Outcome', 'Turns', 'Cost', 'Time'], ...rows, [], ...sums]),
    ...(failures.length > 0 ? ['', ...failures] : []),
  ].join('\n')
}

/** Two runs beside each other: the cases that both have, and how the medians of the second relate to the first's. */
export function comparisonText(one: EvalResults, other: EvalResults): string {
  const keyOf = ({ name, arm }: CaseResult) => `${name} ${arm}`
  const later = new Map(other.cases.map((result) => [keyOf(result), result]))
  const rows = one.cases.flatMap((before) => {
    const after = later.get(keyOf(before))
    if (!after) return []
    const outcome = before.outcome === after.outcome ? after.outcome : `${before.outcome} → ${after.outcome}`
    return [
      [
        before.name,
        before.arm,
        outcome,
        `${before.turns} → ${after.turns}`,
        `${usd(before.usd)} → ${usd(after.usd)}`,
        `${time(before.seconds)} → ${time(after.seconds)}`,
      ],
    ]
  })
  const sums = armsIn(one.cases)
    .filter((arm) => armsIn(other.cases).includes(arm))
    .map((arm) => comparedSums(summaryOf(one.cases, arm), summaryOf(other.cases, arm)))
  return table([['Case', 'Arm', 'Outcome', 'Turns', 'Cost', 'Time'], ...rows, [], ...sums])
}

function comparedSums(before: ArmSummary, after: ArmSummary): string[] {
  const times = (a: number, b: number) => (a > 0 ? `× ${(b / a).toFixed(2)}` : '–')
  return [
    'median',
    after.arm,
    `${before.solved} → ${after.solved} solved`,
    times(before.medianTurns, after.medianTurns),
    times(before.medianUsd, after.medianUsd),
    times(before.medianSeconds, after.medianSeconds),
  ]
}

/** How one arm does beside another in the same run. */
export function besideText(cases: readonly CaseResult[], arm: string, bare: string): string | undefined {
  const [own, other] = [summaryOf(cases, arm), summaryOf(cases, bare)]
  if (own.cases === 0 || other.cases === 0) return undefined
  const [, , , ...times] = comparedSums(other, own)
  return `${arm} beside ${bare}: turns ${times[0]}, cost ${times[1]}, time ${times[2]}, solved ${own.solved} against ${other.solved}`
}
