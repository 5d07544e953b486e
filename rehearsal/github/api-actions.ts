import { rerunWaiting } from './api-waiting.ts'
import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { created, paged, repoOf, type Route } from './api.ts'
import { Refusal } from './auth.ts'
import { type CheckRun, now, type World } from './world.ts'

/** What CI said: the logs of jobs, annotations of checks, statuses of commits, and jobs that are run once more. */
export const ACTIONS_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/repos/{owner}/{repo}/actions/jobs/{job_id}/logs',
    handle: (call) => {
      repoOf(call, ['actions'], 'read')
      const { id } = jobOf(call.world, call.params['job_id'])
      // A log stands elsewhere, at an address that is good for a minute.
      const name = randomUUID()
      call.world.logs.set(name, id)
      return { status: 302, body: '', headers: { location: `${call.world.url}/logs/${name}` } }
    },
  },
  {
    method: 'POST',
    path: '/repos/{owner}/{repo}/actions/jobs/{job_id}/rerun',
    handle: async (call) => {
      repoOf(call, ['actions'], 'write')
      const waiting = call.world.waiting.find(({ id }) => id === Number(call.params['job_id']))
      if (waiting) {
        await rerunWaiting(waiting)
        return created({})
      }
      const job = jobOf(call.world, call.params['job_id'])
      if (job.isRunning) throw new Refusal(403, 'The workflow run containing this job is already running')
      call.world.reruns.push(job.id)
      call.world.note(call.world.bot, 'had run once more', job.headSha.slice(0, 7), job.name)
      return created({})
    },
  },
  {
    method: 'GET',
    path: '/repos/{owner}/{repo}/check-runs/{check_run_id}/annotations',
    handle: (call) => {
      repoOf(call, ['checks'], 'read')
      const run = jobOf(call.world, call.params['check_run_id'])
      return paged(run.annotations, call, (one) => one)
    },
  },
  {
    method: 'GET',
    path: '/repos/{owner}/{repo}/commits/{ref}/statuses',
    handle: (call) => {
      const repo = repoOf(call, ['statuses'], 'read')
      const found = call.world.statuses.filter(({ sha }) => sha === call.params['ref']).toReversed()
      return paged(found, call, (one) => call.shapes.status(one, repo))
    },
  },
]

function jobOf(world: World, id: string | undefined): CheckRun {
  const run = world.checkRuns.find((one) => one.id === Number(id))
  if (!run) throw new Refusal(404, 'Not Found')
  return run
}

/** Where logs stand: whoever knows the address may read it, and nobody's token belongs here. */
export function logRoutes(app: FastifyInstance, world: World): void {
  app.get('/logs/:name', async (request, reply) => {
    const { name } = request.params as { name: string }
    const run = world.checkRuns.find((one) => one.id === world.logs.get(name))
    if (!run || request.headers.authorization) return reply.code(403).send('')
    return reply.type('text/plain').send(run.log ?? '')
  })
}

/** A check as somebody else's app would report it. */
export function failedRun(
  world: World,
  { name, headSha, summary, log, annotations = [], isRunning = false }: FailedJob,
): CheckRun {
  const run: CheckRun = {
    id: world.id(),
    name,
    headSha,
    externalId: '',
    detailsUrl: '',
    status: 'completed',
    conclusion: 'failure',
    title: log === undefined ? name : '',
    summary,
    text: '',
    annotations,
    log,
    isRunning,
    startedAt: now(),
    completedAt: now(),
  }
  world.checkRuns.push(run)
  return run
}

export interface FailedJob {
  readonly name: string
  readonly headSha: string
  readonly summary: string
  /** Of a job of GitHub Actions; undefined: another app's check. */
  readonly log?: string | undefined
  readonly annotations?: unknown[]
  /** Other jobs of its run are under way. */
  readonly isRunning?: boolean
}
