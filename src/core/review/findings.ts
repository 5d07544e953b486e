import { z } from 'zod'
import type { Run } from '../artefacts.ts'

const line = (max: number) => z.string().trim().min(1).max(max)
const prose = (max: number) => z.string().trim().max(max)

/** So many findings a review has at most: more are read by nobody. */
export const MOST_FINDINGS = 7

export const Finding = z.object({
  path: line(300).describe('The file with the fault, as it is called after the change.'),
  from: z.int().min(1).describe('The first of the lines that are at fault, as they are numbered after the change.'),
  to: z.int().min(1).describe('The last of them; mostly the same line.'),
  severity: z
    .enum(['high', 'medium', 'low'])
    .describe(
      'high: wrong results, lost data, a crash or a hole in ordinary use; medium: the same in a rarer case; low: anything else.',
    ),
  title: line(140).describe('What goes wrong, in one sentence.'),
  detail: line(1500).describe('When it happens and what follows: an input, what comes out, what should.'),
  suggestion: prose(800).describe('How to mend it, in a sentence or two; empty where that is plain.'),
  replacement: z
    .string()
    .max(3000)
    .nullable()
    .describe(
      'The lines `from` to `to` as they should be, with their indentation, where the mending is in those lines alone (widen them to what it takes); else null.',
    ),
  test: z
    .object({
      path: line(300).describe('A new test file, named and placed as the tests of this repository are.'),
      content: line(6000),
    })
    .nullable()
    .describe(
      'A test that fails because of this fault and passes once it is mended: the host runs it. null where none can show it.',
    ),
})
export type Finding = z.infer<typeof Finding>

/** What a look at somebody's pull request brings. */
export const Review = z.object({
  findings: z
    .array(Finding)
    .max(MOST_FINDINGS)
    .describe('Faults that this change brings, the worst first; none is a good answer.'),
  looked: line(600).describe('What you looked at and tried, in a sentence or two.'),
})
export type Review = z.infer<typeof Review>

/** What came of a finding's own test. */
export interface Evidence {
  /** On the head: it fails. */
  readonly run: Run
  /** On the commit that the change began with: where it passes there, the change brought the fault. */
  readonly before: 'passes' | 'fails' | 'not run'
  /** Whether it passes with the replacement; undefined where there is none. */
  readonly mended?: boolean | undefined
}

/** A finding as people see it. */
export interface Kept extends Omit<Finding, 'test'> {
  /** Text of its first line: what tells it from others when lines have moved. */
  readonly anchor: string
  /** Whether it can stand at its lines; else it stands in the review itself. */
  readonly isInline: boolean
  readonly test: Finding['test']
  readonly evidence: Evidence | undefined
}

/** What was found and is not said, and why. */
export interface Left {
  readonly title: string
  readonly why: 'refuted' | 'outside' | 'minor' | 'known'
}

/** What became of a finding of an earlier look, by its own test. */
export interface Standing {
  readonly title: string
  readonly path: string
  readonly from: number
  readonly isMended: boolean
}

/** What a review of one head came to. */
export interface Reviewed {
  readonly headSha: string
  /** Where the pull request left what it goes into. */
  readonly baseSha: string
  readonly findings: readonly Kept[]
  readonly left: readonly Left[]
  /** Findings of earlier looks whose tests were run again on this head. */
  readonly standing?: readonly Standing[] | undefined
  readonly looked: string
}
