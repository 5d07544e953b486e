import { z } from 'zod'
import type { Run } from '../artefacts.ts'

/** Why a check of somebody else's is red. */
export const CAUSES = ['ours', 'flaky', 'environment', 'theirs'] as const
export type Cause = (typeof CAUSES)[number]

const line = (max: number) => z.string().trim().min(1).max(max)

/** What a model makes of one failed check. */
export const Judgement = z.object({
  name: line(200).describe('The check, by the name that it was given to you under.'),
  cause: z
    .enum(CAUSES)
    .describe(
      'ours: this change broke it; flaky: it sometimes fails and sometimes passes with the same code; environment: the machine, a service, the network or a secret that CI has or lacks; theirs: it is red without this change as well.',
    ),
  evidence: line(1000).describe('What shows it: lines of the log, what you ran and what came of it.'),
  command: z
    .string()
    .max(500)
    .nullable()
    .describe(
      'A shell command that fails here in the same way; the host runs it with and without the change. null where none does.',
    ),
})
export type Judgement = z.infer<typeof Judgement>

export const Judgements = z.object({
  checks: z.array(Judgement).min(1).max(20).describe('One for each failed check that you were given.'),
})
export type Judgements = z.infer<typeof Judgements>

/** A check of somebody else's that failed on a head. */
export interface FailedCheck {
  readonly name: string
  readonly headSha: string
  readonly text: string
  /** Of a check run: its number. Undefined for a commit status, and in histories from before 0.5. */
  readonly runId?: number | undefined
  /** Whether it is a job of GitHub Actions, which can be run once more. */
  readonly isJob?: boolean | undefined
  /** Whether the same check is red on what the change began with. */
  readonly isRedBefore?: boolean | undefined
  readonly url?: string | undefined
}

/** What a failed check was judged to be, from evidence. */
export interface JudgedCheck {
  readonly name: string
  readonly headSha: string
  readonly runId: number | undefined
  readonly isJob: boolean
  readonly url: string | undefined
  readonly cause: Cause
  readonly evidence: string
  /** The command that fails here as well, with the change and not without it. */
  readonly reproduced?: Run | undefined
}
