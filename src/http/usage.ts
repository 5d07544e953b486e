import { z } from 'zod'
import { type Api, errors } from './shapes.ts'
import type { HttpDeps } from './types.ts'

const DAY_MS = 24 * 3_600_000
const Days = z.object({ days: z.coerce.number().int().min(1).max(3650).default(30) })
const count = z.number()
const Turns = z
  .object({
    provider: z.string(),
    model: z.string(),
    tier: z.string().nullable(),
    prompt: z.string().nullable().describe('What was asked for: the name of the prompt.'),
    turns: count,
    inputTokens: count.describe('All tokens of the prompts: those from and for a cache are among them.'),
    cacheReadTokens: count,
    cacheWriteTokens: count,
    outputTokens: count,
    usd: count,
    medianMs: count.nullable(),
  })
  .meta({ id: 'ModelUsage' })
const Outcome = z
  .object({
    repository: z.string(),
    provider: z.string(),
    model: z.string().describe('The model that most of a task’s money went to.'),
    tasks: count.describe('Changes that came to an end.'),
    merged: count,
    failed: count.describe('Cancelled, or handed off to people.'),
    usd: count,
  })
  .meta({ id: 'ModelOutcome' })
const Repriced = z.object({ provider: z.string(), model: z.string(), usd: count }).meta({ id: 'Repriced' })
const Report = z.object({
  days: count,
  turns: z.array(Turns),
  outcomes: z.array(Outcome),
  repriced: z
    .array(Repriced)
    .describe('The same tokens at the list price of each model, the dearest first: a re-pricing, no forecast.'),
})

/** What models were asked, what it cost, and what came of it. */
export function usageRoutes(app: Api, deps: HttpDeps): void {
  app.get(
    '/usage',
    {
      schema: {
        summary: 'What models were asked, what it cost, and what came of it',
        querystring: Days,
        response: { 200: Report, ...errors },
      },
    },
    async ({ query: { days } }) => {
      const { turns, outcomes, repriced } = await deps.usage(deps.store.now() - days * DAY_MS)
      return {
        days,
        turns: turns.map((one) => ({
          ...one,
          tier: one.tier ?? null,
          prompt: one.prompt ?? null,
          medianMs: one.medianMs ?? null,
        })),
        outcomes: [...outcomes],
        repriced: [...repriced],
      }
    },
  )
}
