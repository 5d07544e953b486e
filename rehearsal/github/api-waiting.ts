import { z } from 'zod'
import { type Call, read, repoOf, type Route } from './api.ts'
import { Refusal } from './auth.ts'
import { runShape } from './api-workflows.ts'
import type { Hooks } from './hooks.ts'
import { Shapes } from './shapes.ts'
import {
  type Account,
  type Deployment,
  now,
  type Repo,
  type WaitingJob,
  type WorkflowRun,
  type World,
} from './world.ts'

/** Workflows that wait at an environment whose protection rule is the app: what they do then is played by whoever has set them up. */

const RUN = '/repos/{owner}/{repo}/actions/runs/{run_id}'
const Answer = z.object({
  environment_name: z.string(),
  state: z.enum(['approved', 'rejected']).optional(),
  comment: z.string(),
})

export const WAITING_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/repos/{owner}/{repo}/actions/runs',
    handle: (call) => {
      const repo = repoOf(call, ['actions'], 'read')
      const [sha, status] = [call.query.get('head_sha'), call.query.get('status')]
      const isWaiting = (run: WorkflowRun) => call.world.waiting.some((one) => one.run === run && one.isWaiting)
      const found = call.world.workflowRuns.filter(
        (run) =>
          (!sha || run.headSha === sha) &&
          (status !== 'waiting' || isWaiting(run)) &&
          (status !== 'completed' || run.conclusion !== undefined),
      )
      const runs = found.toReversed().map((run) => runShape(call, repo, run))
      return { status: 200, body: { total_count: runs.length, workflow_runs: runs } }
    },
  },
  {
    method: 'GET',
    path: `${RUN}/pending_deployments`,
    handle: (call) => {
      const repo = repoOf(call, ['actions'], 'read')
      const waiting = jobsOf(call).filter(({ isWaiting }) => isWaiting)
      const { html_url } = call.shapes.repo(repo)
      const body = waiting.map(({ environment }) => ({
        environment: { id: 1, node_id: 'EN_1', name: environment, url: `${call.world.url}/environments/1`, html_url },
        wait_timer: 0,
        wait_timer_started_at: null,
        current_user_can_approve: false,
        reviewers: [],
      }))
      return { status: 200, body }
    },
  },
  {
    method: 'POST',
    path: `${RUN}/deployment_protection_rule`,
    handle: (call) => {
      repoOf(call, ['deployments'], 'write')
      const { environment_name: name, state, comment } = read(Answer, call.body)
      const job = jobsOf(call).find((one) => one.environment === name && one.isWaiting)
      if (!job) throw new Refusal(422, 'No pending deployment protection rules to approve or reject')
      call.world.note(call.world.bot, `${state ?? 'told'} the deployment to`, name, comment)
      if (state === 'approved') goesOn(call.world, job)
      if (state === 'rejected') ends(call.world, job, 'failure')
      return { status: 204, body: '' }
    },
  },
]

function jobsOf({ world, params }: Pick<Call, 'world' | 'params'>): WaitingJob[] {
  const jobs = world.waiting.filter(({ run }) => run.id === Number(params['run_id']))
  if (jobs.length === 0) throw new Refusal(404, 'Not Found')
  return jobs
}

/** A workflow of a commit comes to a job with an environment, and waits there. @param by who caused it */
export async function comesTo(
  world: World,
  hooks: Hooks | undefined,
  repo: Repo,
  by: Account,
  { sha, environment, play }: Pick<WaitingJob, 'environment' | 'play'> & { readonly sha: string },
): Promise<WaitingJob> {
  const run: WorkflowRun = {
    id: world.id(),
    workflow: 'ship.yml',
    title: 'Ship',
    conclusion: undefined,
    createdAt: now(),
    headSha: sha,
  }
  world.workflowRuns.push(run)
  const job: WaitingJob = {
    id: world.id(),
    run,
    repo,
    sha,
    environment,
    play,
    isWaiting: false,
    deployment: undefined,
    waits: () => waits(world, hooks, by, job),
  }
  world.waiting.push(job)
  await job.waits()
  return job
}

/** A job that has ended is run once more: it comes to the environment again. */
export async function rerunWaiting(job: WaitingJob): Promise<void> {
  if (job.isWaiting || job.run.conclusion === undefined)
    throw new Refusal(403, 'The workflow run containing this job is already running')
  job.run.conclusion = undefined
  await job.waits()
}

/** GitHub makes a deployment in the name of whoever has caused the run, and asks the app. */
async function waits(world: World, hooks: Hooks | undefined, by: Account, job: WaitingJob): Promise<void> {
  const { sha, environment, repo, run } = job
  const deployment: Deployment = {
    id: world.id(),
    sha,
    ref: repo.defaultBranch,
    environment,
    task: 'deploy',
    description: '',
    payload: {},
    createdAt: now(),
    creator: by,
    statuses: [],
  }
  job.isWaiting = true
  job.deployment = deployment
  world.deployments.push(deployment)
  const { full_name: name } = new Shapes(world).repo(repo)
  await hooks?.emit('deployment_protection_rule', 'requested', repo, by, {
    environment,
    event: 'push',
    sha,
    ref: repo.defaultBranch,
    deployment_callback_url: `${world.url}/api/v3/repos/${String(name)}/actions/runs/${run.id}/deployment_protection_rule`,
    deployment: new Shapes(world).deployment(deployment, repo),
    pull_requests: [],
  })
}

function goesOn(world: World, job: WaitingJob): void {
  job.isWaiting = false
  tell(world, job, 'in_progress')
  void job.play(job.sha).then((conclusion) => ends(world, job, conclusion))
}

function ends(world: World, job: WaitingJob, conclusion: 'success' | 'failure'): void {
  job.isWaiting = false
  if (job.run.conclusion !== undefined) return
  job.run.conclusion = conclusion
  tell(world, job, conclusion)
}

function tell(world: World, { id, deployment, run, repo }: WaitingJob, state: string): void {
  const logUrl = `${world.url}/${repo.owner.login}/${repo.name}/actions/runs/${run.id}/job/${id}`
  deployment?.statuses.push({ id: world.id(), state, description: '', logUrl, environmentUrl: '', createdAt: now() })
}
