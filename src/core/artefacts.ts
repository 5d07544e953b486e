import type { Bisect } from './bisect.ts'
import { z } from 'zod'
import type { Canary, GateResult } from './environments/gates.ts'
import type { InRange } from './environments/range.ts'
import type { Who } from './standing.ts'
import type { Signs } from './limits.ts'
import type { Beside } from './beside.ts'
import type { Failures, Tally } from './traffic.ts'

/** The typed results that roles owe. The model's part of each is a zod schema: it is also what the model is told. */

const line = (max: number) => z.string().trim().min(1).max(max)
const prose = (max: number) => z.string().trim().max(max)

/** Ranges of lines, such as 120-180,300. */
const LINES = /^\d{1,6}(-\d{1,6})?(,\d{1,6}(-\d{1,6})?){0,7}$/

/** PM's artefact. */
export const Spec = z.object({
  title: line(120).describe('A short imperative title for the change, as a pull request would have it.'),
  kind: z.enum(['bugfix', 'feature', 'question']),
  problem: line(4000).describe('The problem in your own words: who sees what, and what they should see instead.'),
  acceptance: z.array(line(500)).min(1).max(12).describe('Criteria that somebody else can check, one by one.'),
  outOfScope: z.array(line(300)).max(10).describe('What is deliberately left alone.'),
  questions: z
    .array(line(500))
    .max(5)
    .describe('Only what is essential and cannot be found out from the repository; else empty.'),
  risk: z.enum(['low', 'medium', 'high']),
  riskReason: line(500),
})
export type Spec = z.infer<typeof Spec>

/** SA's artefact. */
export const Design = z.object({
  approach: line(4000).describe('The cause, and how it is to be changed.'),
  files: z
    .array(
      z.object({
        path: line(300),
        why: line(300),
        lines: z
          .string()
          .regex(LINES)
          .optional()
          .describe('The lines that matter, such as 120-180,300-310: they are shown to whoever makes the change.'),
      }),
    )
    .min(1)
    .max(30)
    .describe('Files to touch, tests included, and why.'),
  tests: line(2000).describe('Which test will fail now and pass afterwards, and in which file it goes.'),
  slices: z
    .array(z.object({ title: line(120), files: z.array(line(300)).max(30) }))
    .min(1)
    .max(6)
    .describe(
      'Parts that different people could do at the same time without touching the same files; usually just one (then leave its files empty).',
    ),
  filesAtRisk: z
    .array(z.object({ path: line(300), why: line(300) }))
    .max(20)
    .describe('Files that the change could break without touching them, and how; empty if none.'),
  quote: z
    .object({
      usd: z.object({ low: z.number().min(0).max(1000), high: z.number().min(0).max(1000) }),
      minutes: z.object({ low: z.number().min(0).max(10_000), high: z.number().min(0).max(10_000) }),
      confidence: z.enum(['low', 'medium', 'high']),
    })
    .describe(
      'What you expect it to cost in model dollars and minutes until the pull request is proved (SD and QA, without review rounds).',
    ),
})
export type Design = z.infer<typeof Design>

/** Spec and design of a small request in one go: what is always the same of small ones is not asked for. */
export const Plan = z.object({
  title: line(120).describe('Imperative, as a pull request has it.'),
  kind: Spec.shape.kind,
  problem: line(2000).describe('Who sees what, and should see what.'),
  acceptance: z.array(line(500)).min(1).max(12).describe('Criteria that can be checked one by one.'),
  outOfScope: z.array(line(300)).max(10),
  questions: z.array(line(500)).max(5).describe('Only what is essential and cannot be found out; else empty.'),
  risk: Spec.shape.risk,
  riskReason: line(300),
  design: z
    .object({
      approach: line(3000).describe('The cause, and how it is changed.'),
      files: Design.shape.files,
      tests: line(1000).describe('Which test fails now and passes then, and where.'),
    })
    .nullable()
    .describe(
      'null with questions, where only an answer is wanted, at high risk, and for large work: then it is designed by itself.',
    ),
})
export type Plan = z.infer<typeof Plan>

/** What a small change takes from the plan to its proof, by the measurements in docs/eval.md. */
const SMALL_QUOTE: Design['quote'] = {
  usd: { low: 0.03, high: 0.5 },
  minutes: { low: 1, high: 6 },
  confidence: 'medium',
}

/** The two artefacts that a plan stands for. */
export function partsOfPlan({ design, ...spec }: Plan): { readonly spec: Spec; readonly design: Design | undefined } {
  if (!design) return { spec, design: undefined }
  return {
    spec,
    design: { ...design, slices: [{ title: spec.title, files: [] }], filesAtRisk: [], quote: SMALL_QUOTE },
  }
}

/** What answers a question (no code is changed). */
export const Answer = z.object({
  answer: line(8000).describe('The answer, in Markdown, with the files and lines it rests on.'),
})
export type Answer = z.infer<typeof Answer>

/** A line of a file. */
export interface Place {
  readonly path: string
  readonly line: number
}

/** An answer, with the commit that was read and the lines that it names, as far as there are such. Undefined in histories from before 0.5. */
export interface Answered extends Answer {
  readonly sha?: string | undefined
  readonly places?: readonly Place[] | undefined
}

/** What SD says of each review comment. */
export const ReviewAnswer = z.object({
  id: z.number().int().min(1).max(100_000).describe('The number of the review comment, as it was given to you.'),
  outcome: z
    .enum(['fixed', 'answered', 'declined'])
    .describe(
      'fixed: this round changed something for it; answered: nothing had to be changed; declined: it will not be done.',
    ),
  reply: line(2000).describe('What to reply to the reviewer; for declined, the reason.'),
})
export type ReviewAnswer = z.infer<typeof ReviewAnswer>

/** SD's words about the change; the patch itself is taken from the workspace by the host. */
export const PatchNote = z.object({
  title: line(100).describe('The commit subject, imperative; the first one is the title of the pull request too.'),
  summary: line(3000).describe(
    'The cause and what this commit changes, for a reviewer, in a few lines. What people saw is told already above it; who asked or found what is of no interest there.',
  ),
  notDone: prose(1500).describe('What is still undone or uncertain in the whole change; empty if nothing.'),
})
export type PatchNote = z.infer<typeof PatchNote>

export const ReworkNote = PatchNote.extend({
  answers: z
    .array(ReviewAnswer)
    .max(50)
    .describe('One for each review comment you were given; empty if there were none.'),
})
export type ReworkNote = z.infer<typeof ReworkNote>

/** The step result of SD. */
export interface Patch {
  readonly note: PatchNote
  readonly answers: readonly ReviewAnswer[]
  /** The commit the patch applies to. */
  readonly parentSha: string
  /** Where the branch left the default branch: what the proof compares with. */
  readonly baseSha: string
  /** A git patch in binary form (`git diff --binary`), one character a byte; empty when nothing was changed. */
  readonly diff: string
  readonly files: readonly string[]
}

/** QA's words: each acceptance criterion answered from the evidence, and each review comment that was said to be fixed. */
export const ProofNote = z.object({
  criteria: z
    .array(
      z.object({
        number: z.int().min(1).describe('The number of the acceptance criterion.'),
        met: z.enum(['yes', 'no', 'unclear']),
        evidence: line(800).describe('What in the evidence shows it: a test, a line, an output.'),
      }),
    )
    .min(1)
    .max(12)
    .describe('One for each acceptance criterion.'),
  review: z
    .array(
      z.object({
        number: z.int().min(1).describe('The number of the review comment.'),
        done: z.enum(['yes', 'no', 'unclear']),
        evidence: line(800),
      }),
    )
    .max(50)
    .describe('One for each review comment that SD says is fixed; empty if there are none.'),
  remarks: prose(1500).describe('Anything a reviewer should look at; empty if nothing.'),
})
export type ProofNote = z.infer<typeof ProofNote>

/** A command that was run as evidence. */
export interface Run {
  readonly command: string
  readonly exitCode: number
  readonly seconds: number
  readonly output: string
  /** The tests that failed, where the output is understood; undefined in histories from before 0.4. */
  readonly failures?: readonly string[] | undefined
  readonly passed?: number | undefined
  /** It had not ended when its time was up. */
  readonly timedOut?: boolean | undefined
}

export interface Annotation {
  readonly path: string
  readonly line: number
  readonly message: string
}

/** QA's artefact. */
export interface Proof {
  readonly headSha: string
  readonly baseSha: string
  readonly testFiles: readonly string[]
  /** The new tests on the base: proof wants a failure. */
  readonly red: Run | undefined
  /** The same tests on the head: proof wants a pass. */
  readonly green: Run | undefined
  /** The whole suite on the head. */
  readonly suite: Run | undefined
  /** The whole suite on the base, run where it fails on the head. */
  readonly baseline?: Run | undefined
  /** Files of the change that the tests read (a row in a fixture is a test), and source files with tests inside. */
  readonly support?: readonly string[] | undefined
  readonly note: ProofNote | undefined
  readonly annotations: readonly Annotation[]
  readonly verdict: ProofVerdict
}

export interface ProofVerdict {
  readonly proved: boolean
  readonly red: boolean
  readonly green: boolean
  readonly suite: boolean
  readonly reasons: readonly string[]
  /** Nothing speaks against it, and something cannot be told: a person decides, at the review. */
  readonly open?: boolean | undefined
}

/** SRE's plan of a release; approval binds to `hash`. */
export interface ReleasePlan {
  readonly environment: string
  readonly target: string
  readonly sha: string
  readonly liveSha: string | undefined
  readonly commits: readonly {
    readonly sha: string
    readonly title: string
    readonly author: string
    /** When it was committed, ms since the epoch; undefined in histories from before 0.5. */
    readonly at?: number | undefined
  }[]
  /** How the commits relate to what is live. */
  readonly relation: 'first' | 'ahead' | 'same' | 'behind' | 'diverged' | 'unknown'
  readonly url: string
  readonly watchSeconds: number
  readonly approval: 'other' | 'self' | 'none'
  /** It is given a share of the requests first; undefined: all at once. */
  readonly canary?: Canary | undefined
  /** The branch that it is of, where it is not merged. */
  readonly branch?: string | undefined
  /** The tree of the commit. These are undefined in histories from before 0.5. */
  readonly tree?: string | undefined
  /** How many distinct people approve. */
  readonly approvals?: number | undefined
  readonly approvers?: readonly Who[] | undefined
  /** The settings of the environment that were read, by their hash. */
  readonly policy?: string | undefined
  /** What is live and would not be any more, the newest first: some dozens at most. */
  readonly removes?: ReleasePlan['commits'] | undefined
  /** Files in the range that deserve a look. */
  readonly inRange?: InRange | undefined
  /** The way back from it. */
  readonly wayBack?: WayBack | undefined
  /** One of a row that looks for what is worse: between which commits. */
  readonly bisect?: Bisect | undefined
  /** The release that is put back, where nothing new is deployed. */
  readonly restores?: string | undefined
  /** What was taken back there and this mends, while what is live does not: those commits. */
  readonly mends?: readonly string[] | undefined
  /** What the target says it would do; undefined where it cannot tell. */
  readonly preflight?: readonly string[] | undefined
  /** What the gates said when it was made; they are asked again before anything is deployed. */
  readonly gates?: readonly GateResult[] | undefined
  readonly hash: string
}

/** What came of a deploy. */
export interface Deployed {
  readonly environment: string
  readonly sha: string
  readonly ok: boolean
  readonly url: string
  readonly releaseId: string
  readonly previousSha: string | undefined
  readonly log: string
  readonly error: string | undefined
  /** What was approved does not hold any more: it is planned again, and asked about. */
  readonly isStale?: boolean | undefined
  /** The commit with which it goes live, where it need not go by itself. */
  readonly carriedBy?: string | undefined
  /** It was given so many percent of the requests at first; undefined: all. */
  readonly percent?: number | undefined
  /** What the gates said right before; undefined where nobody asked them, and in histories from before 0.5. */
  readonly gates?: readonly GateResult[] | undefined
}

/** Whether what is live before a deploy can be had back, and whether that is done by itself. */
export interface WayBack {
  /** What is live when the plan is made; undefined: nothing. */
  readonly to: string | undefined
  readonly isReady: boolean
  /** Whether a regression is taken back by itself: by the settings, and only where it is ready. */
  readonly isAutomatic: boolean
  /** Why, for people. */
  readonly why: string
}

/** What came of taking a release back. */
export interface RolledBack {
  /** It serves again, and answers. */
  readonly ok: boolean
  /** People are sent to it, whether it answers or not. */
  readonly isSwitched: boolean
  /** What serves again, or was to. */
  readonly to: string
  /** From the beginning to the first good answer. */
  readonly ms: number
  readonly error: string | undefined
  /** The last that the one taken back has printed, where that becomes work. */
  readonly log?: string | undefined
}

/** Where a watch stands: all that the next look goes on from. */
export interface Watch {
  /** When the release went live, ms since the epoch. */
  readonly from: number
  readonly before: Figures
  /** How long requests took before, by bucket. */
  readonly latencyBefore?: Tally['latency'] | undefined
  /** What was counted of the release, up to a moment. */
  readonly tally: Tally
  readonly until: number
  readonly probes: ReleaseReport['probes']
  /** How many tests for errors have been made. */
  readonly tests: number
  readonly series: ReleaseReport['series']
  /** What serves beside it, where it has a share of the requests. */
  readonly beside?: Beside | undefined
  /** What was seen beside its traffic at the first look, and at the last. */
  readonly signs?: { readonly first: Signs; readonly last: Signs } | undefined
}

/** Traffic in one window, from the proxy's own counts. Latencies in ms. */
export interface Figures {
  readonly seconds: number
  readonly requests: number
  readonly errors: number
  readonly p50: number | undefined
  readonly p95: number | undefined
  /** How requests failed, where that is known; undefined where none did, and in histories from before 0.5. */
  readonly failures?: Failures | undefined
}

/** What becomes of a release that had a share of the requests, for its verdict: all are given to it, or none. */
export type CanaryEnd = 'promoted' | 'back'

export type Verdict = 'healthy' | 'regressed' | 'not enough evidence'

/** SRE's artefact at the end of the watch. */
export interface ReleaseReport {
  readonly environment: string
  readonly sha: string
  readonly url: string
  readonly verdict: Verdict
  readonly reasons: readonly string[]
  readonly before: Figures
  readonly after: Figures
  readonly probes: { readonly passed: number; readonly failed: number }
  /** It had a share of the requests: so many percent at last. `before` is what had the rest, at the same time. */
  readonly canary?: { readonly percent: number; readonly end: CanaryEnd } | undefined
  /** Requests and errors per slice of the watch, oldest first. */
  readonly series: readonly { readonly second: number; readonly requests: number; readonly errors: number }[]
}
