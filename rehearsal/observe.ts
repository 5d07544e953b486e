import { PARKED_FOR } from '../src/core/task/step.ts'
import { z } from 'zod'
import type { ServerChild } from './child.ts'

/** What the rehearsal's people can see of a task: the parts of the API's answer that they wait for. */

const Step = z.object({
  id: z.string(),
  kind: z.string(),
  role: z.string(),
  status: z.string(),
  costUsd: z.number(),
  turns: z.number(),
  /** Which release it belongs to, counted from 1. */
  release: z.number().optional(),
  parked: z.object({ why: z.enum(PARKED_FOR) }).optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
})
const Figures = z.object({ requests: z.number(), errors: z.number() })
const Report = z.object({
  verdict: z.string(),
  url: z.string(),
  sha: z.string(),
  before: Figures,
  after: Figures,
  canary: z.object({ percent: z.number(), end: z.string() }).optional(),
})
const State = z.object({
  origin: z.object({ number: z.number() }),
  gate: z.object({ kind: z.string(), openedAt: z.number(), questions: z.array(z.string()).optional() }).optional(),
  steps: z.array(Step),
  outcome: z.string().optional(),
  pullRequest: z.object({ number: z.number(), draft: z.boolean() }).optional(),
  headSha: z.string().optional(),
  branch: z.string().optional(),
  wip: z.object({ branch: z.string() }).optional(),
  spec: z.object({ title: z.string(), acceptance: z.array(z.string()) }).optional(),
  proofs: z.array(
    z.object({
      headSha: z.string(),
      testFiles: z.array(z.string()),
      note: z
        .object({
          criteria: z.array(z.object({ number: z.number(), met: z.string(), evidence: z.string() })),
          remarks: z.string(),
        })
        .optional(),
      verdict: z.object({ proved: z.boolean(), red: z.boolean(), green: z.boolean(), reasons: z.array(z.string()) }),
    }),
  ),
  review: z.object({
    ledger: z.array(z.object({ outcome: z.string(), comment: z.object({ id: z.number() }) })),
    pending: z.array(z.unknown()),
  }),
  reviews: z
    .array(
      z.object({
        headSha: z.string(),
        baseSha: z.string(),
        findings: z.array(
          z.object({
            path: z.string(),
            from: z.number(),
            to: z.number(),
            severity: z.enum(['high', 'medium', 'low']),
            title: z.string(),
            detail: z.string(),
            suggestion: z.string(),
            replacement: z.string().nullable(),
            test: z.object({ path: z.string(), content: z.string() }).nullable(),
            evidence: z
              .object({ before: z.string(), mended: z.boolean().optional(), run: z.object({ command: z.string() }) })
              .optional(),
          }),
        ),
        left: z.array(z.object({ title: z.string(), why: z.string() })),
        looked: z.string(),
      }),
    )
    .optional(),
  merged: z.object({ sha: z.string() }).optional(),
  releases: z.array(
    z.object({
      environment: z.string(),
      deployed: z.object({ ok: z.boolean(), sha: z.string(), url: z.string() }).optional(),
      report: Report.optional(),
      watch: z.object({ beside: z.object({ percent: z.number() }).optional() }).optional(),
      turn: z.object({ state: z.string(), told: z.object({ position: z.number() }).optional() }).optional(),
    }),
  ),
})
const Task = z.object({ id: z.string(), status: z.string(), title: z.string(), costUsd: z.number(), state: State })
export type TaskView = z.infer<typeof Task>
export type ReviewView = NonNullable<TaskView['state']['reviews']>[number]
const Tasks = z.object({ items: z.array(z.object({ id: z.string(), title: z.string() })) })

/** A task by the number of its issue, or by which one it is, counted from the first. */
export type Which = number | { readonly nth: number }

/** The newest task whose issue has this number, or the nth of all. */
export async function taskOf(server: ServerChild, which: Which): Promise<TaskView | undefined> {
  try {
    const { items } = Tasks.parse(await server.get('/tasks?limit=20'))
    if (typeof which === 'object') {
      const found = items.at(-which.nth)
      return found && items.length >= which.nth ? Task.parse(await server.get(`/tasks/${found.id}`)) : undefined
    }
    for (const { id } of items) {
      const raw = await server.get(`/tasks/${id}`)
      if (originNumber(raw) === which) return Task.parse(raw)
    }
  } catch (error) {
    // The server may be starting again; whoever waits asks again.
    if (error instanceof z.ZodError) throw error
  }
  return undefined
}

function originNumber(raw: unknown): number | undefined {
  const parsed = z.object({ state: z.object({ origin: z.object({ number: z.number() }) }) }).safeParse(raw)
  return parsed.success ? parsed.data.state.origin.number : undefined
}

/** Waits until a task looks as wanted, or is stuck. @throws Error when it takes too long */
export async function waitFor(
  server: ServerChild,
  issue: Which,
  what: string,
  wanted: (task: TaskView) => boolean,
  timeoutMs: number,
): Promise<TaskView> {
  const until = Date.now() + timeoutMs
  let last: TaskView | undefined
  while (Date.now() < until) {
    const task = await taskOf(server, issue)
    last = task ?? last
    if (task && wanted(task)) return task
    if (task && isStuck(task)) throw new Stuck(stuckReason(task), task)
    await new Promise((done) => setTimeout(done, 150))
  }
  throw new Stuck(`no ${what} within ${Math.round(timeoutMs / 1000)} s`, last)
}

/** The work came to an end that the rehearsal's people did not wait for. */
export class Stuck extends Error {
  readonly task: TaskView | undefined
  constructor(message: string, task: TaskView | undefined) {
    super(message)
    this.task = task
  }
}

/** Whether nothing goes on by itself. */
export function isStuck(task: TaskView): boolean {
  if (task.state.releases.at(-1)?.deployed?.ok === false) return true
  return (
    task.status === 'handed_off' ||
    task.status === 'cancelled' ||
    (task.status === 'waiting' &&
      task.state.steps.some(
        // What went wrong with an earlier release is over.
        ({ status, release }) =>
          status === 'failed' && (release === undefined || release === task.state.releases.length),
      ))
  )
}

/** Why, as the thread says it. */
export function stuckReason(task: TaskView): string {
  const failed = task.state.steps.findLast((step) => step.status === 'failed')
  return task.state.outcome ?? failed?.error?.message ?? `the task is ${task.status}`
}
