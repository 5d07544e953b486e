import { z } from 'zod'
import { type Dora, doraAfter, doraOf } from '../core/environments/dora.ts'
import { environmentProblems } from '../core/environments/verify.ts'
import { environmentKey, type EnvironmentState, type Turn } from '../core/environments/types.ts'
import { type Api, errors, notFound, page, PageQuery } from './shapes.ts'
import { HistoryOut, historyOut, VerdictOut } from './history.ts'
import type { HttpDeps } from './types.ts'

const Held = z.object({ sha: z.string(), by: z.string(), task: z.string(), since: z.string() })
const EnvironmentOut = z
  .object({
    repository: z.string(),
    name: z.string(),
    live: z
      .object({ sha: z.string(), task: z.string(), since: z.string(), verdict: z.string().nullable() })
      .nullable()
      .describe('What serves, as it is known. Before a deploy the target itself is asked.'),
    holder: Held.nullable().describe('Whose turn it is: until its verdict.'),
    queue: z.array(Held).describe('Who waits, the first first.'),
    lock: z.object({ by: z.string(), reason: z.string(), since: z.string() }).nullable(),
    quarantine: z
      .array(z.object({ sha: z.string(), to: z.string(), task: z.string(), at: z.string() }))
      .describe('What was taken back and is kept out, the newest last.'),
  })
  .meta({ id: 'Environment' })

const DoraOut = z
  .object({
    from: z.string(),
    to: z.string(),
    deployments: z.number().describe('Deploys that went live; going back is none.'),
    changes: z.number().describe('Changes in them whose time is known.'),
    lead_seconds: z.number().nullable().describe('From commit to live: the median of the changes.'),
    judged: z.number().describe('Deploys that were watched to their end.'),
    failed: z.number().describe('Those that got worse, or were taken back.'),
    restore_seconds: z
      .number()
      .nullable()
      .describe('From going live to the next good state: the median of what failed.'),
  })
  .meta({ id: 'Dora' })
const Days = z.object({ days: z.coerce.number().int().min(1).max(366).default(28) })

const Params = z.object({
  owner: z.string().max(100),
  repository: z.string().max(100),
  environment: z.string().max(100),
})
const BASE = '/environments/:owner/:repository/:environment'

/** Environments: how they stand, what happened to them, and whether that is what was written. */
export function environmentRoutes(app: Api, { store }: HttpDeps): void {
  const { environments } = store
  app.get(
    '/environments',
    {
      schema: {
        summary: 'Environments that something was deployed to or locked, by repository and name',
        response: { 200: z.object({ items: z.array(EnvironmentOut) }), ...errors },
      },
    },
    async () => ({ items: (await environments.list()).map(({ state }) => environmentOut(state)) }),
  )
  app.get(
    BASE,
    { schema: { summary: 'One environment', params: Params, response: { 200: EnvironmentOut, ...errors } } },
    async ({ params }, reply) => {
      const loaded = await environments.load(keyOf(params))
      return loaded ? environmentOut(loaded.state) : notFound(reply, 'environment')
    },
  )
  app.get(
    `${BASE}/events`,
    {
      schema: {
        summary: 'The history of an environment, oldest first',
        params: Params,
        querystring: PageQuery,
        response: { 200: page(HistoryOut), ...errors },
      },
    },
    async ({ params, query: { limit, cursor } }, reply) => {
      if (!(await environments.load(keyOf(params)))) return notFound(reply, 'environment')
      const after = Number(cursor ?? 0)
      const found = await environments.events(keyOf(params), Number.isInteger(after) ? after : 0, limit + 1)
      const items = found.slice(0, limit)
      return { items: items.map(historyOut), next: found.length > limit ? String(items.at(-1)?.seq) : null }
    },
  )
  app.get(
    `${BASE}/dora`,
    {
      schema: {
        summary: 'How often, how soon and how well is deployed there: the four figures of DORA',
        params: Params,
        querystring: Days,
        response: { 200: DoraOut, ...errors },
      },
    },
    async ({ params, query: { days } }, reply) => {
      const loaded = await environments.load(keyOf(params))
      if (!loaded) return notFound(reply, 'environment')
      const { key, version } = loaded.state
      const events = await environments.events(key, doraAfter(version), version)
      const now = store.now()
      return doraOut(doraOf(events, now - days * 86_400_000, now))
    },
  )
  app.get(
    `${BASE}/verify`,
    {
      schema: {
        summary: 'Replays the history of an environment, and compares it with its state and its hash chain',
        params: Params,
        response: { 200: VerdictOut, ...errors },
      },
    },
    async ({ params }, reply) => {
      const loaded = await environments.load(keyOf(params))
      if (!loaded) return notFound(reply, 'environment')
      // What was written since belongs to a later state.
      const events = await environments.events(keyOf(params), 0, loaded.state.version)
      const problems = environmentProblems(loaded, events)
      return { ok: problems.length === 0, problems, events: events.length, unchained: 0 }
    },
  )
}

function keyOf({ owner, repository, environment }: z.infer<typeof Params>): string {
  return environmentKey({ owner, name: repository }, environment)
}

const iso = (at: number) => new Date(at).toISOString()

const seconds = (ms: number | undefined) => (ms === undefined ? null : Math.round(ms / 1000))

function doraOut({ from, to, leadMs, restoreMs, ...counts }: Dora): z.infer<typeof DoraOut> {
  return { from: iso(from), to: iso(to), ...counts, lead_seconds: seconds(leadMs), restore_seconds: seconds(restoreMs) }
}

function environmentOut(state: EnvironmentState): z.infer<typeof EnvironmentOut> {
  const { repository, name, live, lock, holder, queue, quarantine } = state
  return {
    repository: `${repository.owner}/${repository.name}`,
    name,
    live: live ? { sha: live.sha, task: live.task, since: iso(live.since), verdict: live.verdict ?? null } : null,
    holder: holder ? heldOut(holder) : null,
    queue: queue.map(heldOut),
    lock: lock ? { by: lock.by.login, reason: lock.reason, since: iso(lock.at) } : null,
    quarantine: quarantine.map(({ sha, to, task, at }) => ({ sha, to, task, at: iso(at) })),
  }
}

function heldOut({ sha, by, task, askedAt, givenAt }: Turn): z.infer<typeof Held> {
  return { sha, by: by.login, task, since: iso(givenAt ?? askedAt) }
}
