import { z } from 'zod'
import type { Policy } from '../core/environments/gates.ts'
import { type FreezeWindow, isZone, localTime, minuteOfWeek } from '../core/environments/freeze.ts'
import { MARGIN } from '../core/judge.ts'
import { type Approver, isApprover, isWho, type Who } from '../core/standing.ts'

/** The keys of an environment that say who may deploy there, and when. */

/** A metric, and what its labels are (prometheus.io, "Time series selectors"): what is read is what was scraped. */
const selector = z
  .string()
  .max(500)
  .regex(/^[a-zA-Z_:][\w:]*(?:\{(?:[^{}"'`\\]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*\})?$/, {
    error: 'a metric with its labels, such as http_requests_total{app="shop"}',
  })

const who = z
  .array(z.string().refine(isWho, { error: 'write, maintain, admin, a person (`@alice`) or a team (`@acme/release`)' }))
  .min(1)
  .max(20)

const approver = z
  .array(
    z.string().refine(isApprover, {
      error: 'write, maintain, admin, a person (`@alice`), a team (`@acme/release`) or code-owners',
    }),
  )
  .min(1)
  .max(20)

const span = z.strictObject({
  from: z.string().describe('`fri 16:00` each week, or `2026-12-20` or `2026-12-20 18:00` once.'),
  to: z.string().describe('The same, for its end.'),
  zone: z
    .string()
    .default('UTC')
    .refine(isZone, { error: 'a time zone such as Europe/Berlin' })
    .describe('The time zone whose clock is meant.'),
  reason: z.string().max(200).default(''),
})

const window = span.refine((one) => freezeOf(one) !== undefined, {
  error: 'two times of the week (`fri 16:00`), or two dates with the earlier one first (`2026-12-20`)',
})

export const POLICY = {
  deployers: who
    .default(['write'])
    .describe(
      'Who may ask for a deploy: write, maintain or admin permission, people, teams. Any one of them is enough.',
    ),
  approvers: approver
    .default(['write'])
    .describe('Who may approve one, in the same words; code-owners: whoever owns a file that changes there.'),
  approvals: z.int().min(1).max(10).default(1).describe('How many distinct people approve.'),
  checks: z
    .union([z.literal('all'), z.array(z.string().min(1).max(200)).max(50)])
    .default([])
    .describe('Checks that must be green on the commit: their names, or `all`. What is unknown lets nothing through.'),
  after: z
    .string()
    .regex(/^\w[\w.-]{0,63}$/)
    .optional()
    .describe('The environment where exactly this commit is live and did not get worse first.'),
  branches: z
    .boolean()
    .default(false)
    .describe('Whether a branch of the repository may be deployed there before it is merged. Not for production.'),
  rollback: z
    .enum(['auto', 'never'])
    .default('auto')
    .describe(
      'What got worse is taken back by itself, where what was live before is kept and no undeclared migration lies between.',
    ),
  margin: z
    .number()
    .min(0.001)
    .max(0.5)
    .default(MARGIN)
    .describe('Healthy is what can be told to fail in no larger a share of requests than before, by more than this.'),
  migrations: z
    .strictObject({
      glob: z.union([z.string().max(200), z.array(z.string().max(200)).max(20)]).describe('Their files.'),
      compatible: z
        .enum(['expand-only', 'no'])
        .default('no')
        .describe('`expand-only`: they only add, and what was live before works after them.'),
    })
    .optional()
    .describe('Migrations of a database. Where nothing is said, those in the usual folders count as not compatible.'),
  mend: z
    .strictObject({
      budget: z.number().min(0).max(10_000).describe('Dollars that the work may cost before people are asked.'),
    })
    .optional()
    .describe(
      'What was taken back by itself becomes an issue with the evidence, which Muster works on like any other.',
    ),
  limits: z
    .strictObject({
      errors: z.number().min(0.001).max(1).optional().describe('Share of the requests that may fail, from 20 on.'),
      p95: z.int().min(1).max(600_000).optional().describe('Milliseconds.'),
      restarts: z
        .int()
        .min(1)
        .max(1000)
        .optional()
        .describe('So often it may be started again while it is watched: 3 where nothing is said.'),
      log: z
        .strictObject({
          words: z.array(z.string().min(2).max(100)).min(1).max(20).describe('Words of lines that are counted.'),
          most: z.int().min(0).max(1000).default(0).describe('So many such lines are taken.'),
        })
        .optional(),
    })
    .optional()
    .describe('What is too much by itself, whatever it is compared with: at once it has got worse.'),
  prometheus: z
    .strictObject({
      requests: selector.describe('The counter of requests: a metric with its labels, no function around it.'),
      errors: selector.describe('The counter of those that failed.'),
      latency: selector.optional().describe('The `_bucket` series of a histogram in seconds.'),
    })
    .optional()
    .describe('Counters that are watched in place of what the target sees; the operator says of which Prometheus.'),
  freeze: z.array(window).max(50).default([]).describe('Times in which nothing is deployed; what is asked for waits.'),
}

/** Of targets that can divide the requests between two releases. */
export const CANARY = {
  canary: z
    .strictObject({
      steps: z
        .array(z.int().min(1).max(99))
        .min(1)
        .max(10)
        .refine((steps) => steps.every((one, nth) => nth === 0 || one > (steps[nth - 1] ?? 0)), {
          error: 'growing shares, such as [10, 50]',
        })
        .describe('Percent of the requests, growing: each for an equal part of the watch, then all.'),
      unsure: z
        .enum(['promote', 'back'])
        .default('promote')
        .describe('Where there is not enough evidence at the end: it is given all requests, or taken back.'),
    })
    .optional()
    .describe('A new release is given a share of the requests first, and compared with what serves the rest.'),
}

const Policies = z.object({ ...POLICY, ...CANARY })

/** As it is stored. */
export function policyOf(file: z.infer<typeof Policies>): Policy {
  return {
    deployers: file.deployers.filter((one): one is Who => isWho(one)),
    approvers: file.approvers.filter((one): one is Approver => isApprover(one)),
    approvals: file.approvals,
    checks: file.checks,
    ...(file.after === undefined ? {} : { after: file.after }),
    freeze: file.freeze.flatMap((one) => freezeOf(one) ?? []),
    rollback: file.rollback,
    margin: file.margin,
    ...(file.branches ? { branches: true } : {}),
    ...(file.limits ? { limits: file.limits } : {}),
    ...(file.prometheus ? { prometheus: file.prometheus } : {}),
    ...(file.canary ? { canary: file.canary } : {}),
    ...(file.mend ? { mend: { budgetUsd: file.mend.budget } } : {}),
    ...(file.migrations
      ? { migrations: { glob: [file.migrations.glob].flat(), onlyAdds: file.migrations.compatible === 'expand-only' } }
      : {}),
  }
}

/** Undefined where it is none. */
function freezeOf({ from, to, zone, reason }: z.infer<typeof span>): FreezeWindow | undefined {
  const [start, end] = [minuteOfWeek(from), minuteOfWeek(to)]
  if (start !== undefined && end !== undefined) return { kind: 'weekly', from: start, to: end, zone, reason }
  const [first, last] = [localTime(from), localTime(to)]
  return first !== undefined && last !== undefined && first < last
    ? { kind: 'once', from: first, to: last, zone, reason }
    : undefined
}
