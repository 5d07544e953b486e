import { z } from 'zod'
import { type Call, read, repoOf, type Route } from './api.ts'
import { Refusal } from './auth.ts'
import type { Shapes } from './shapes.ts'
import type { Json } from './shapes-base.ts'
import { now, type Repo, type WorkflowRun, type World } from './world.ts'

/** Workflows that somebody starts: what they do is played by whoever has set them up (`world.workflows`). */

const Dispatch = z.object({
  ref: z.string(),
  inputs: z.record(z.string(), z.string()).default({}),
  return_run_details: z.boolean().default(false),
})
const RUNS = '/repos/{owner}/{repo}/actions/runs/{run_id}'
const WORKFLOW = '/repos/{owner}/{repo}/actions/workflows/{workflow_id}'

export const WORKFLOW_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: `${WORKFLOW}/dispatches`,
    handle: (call) => {
      const repo = repoOf(call, ['actions'], 'write')
      const input = read(Dispatch, call.body)
      const run = begun(call.world, repo, call.params['workflow_id'] ?? '', input.inputs)
      if (!input.return_run_details || call.world.tellsNoRuns) return { status: 204, body: '' }
      const { url, html_url } = urlsOf(call.shapes, repo, run)
      return { status: 200, body: { workflow_run_id: run.id, run_url: url, html_url } }
    },
  },
  {
    method: 'GET',
    path: `${WORKFLOW}/runs`,
    handle: (call) => {
      const repo = repoOf(call, ['actions'], 'read')
      const since = Date.parse((call.query.get('created') ?? '').replace(/^>=/, '')) || 0
      const found = call.world.workflowRuns.filter(
        ({ workflow, createdAt }) => workflow === call.params['workflow_id'] && Date.parse(createdAt) >= since,
      )
      const runs = found.toReversed().map((run) => runShape(call, repo, run))
      return { status: 200, body: { total_count: runs.length, workflow_runs: runs } }
    },
  },
  {
    method: 'GET',
    path: RUNS,
    handle: (call) => {
      const repo = repoOf(call, ['actions'], 'read')
      return { status: 200, body: runShape(call, repo, runOf(call)) }
    },
  },
  {
    method: 'POST',
    path: `${RUNS}/cancel`,
    handle: (call) => {
      repoOf(call, ['actions'], 'write')
      const run = runOf(call)
      if (run.conclusion !== undefined) throw new Refusal(409, 'Cannot cancel a workflow run that is completed.')
      run.conclusion = 'cancelled'
      return { status: 202, body: {} }
    },
  },
  {
    method: 'GET',
    path: `${RUNS}/jobs`,
    handle: (call) => {
      const repo = repoOf(call, ['actions'], 'read')
      const jobs = [jobShape(call, repo, runOf(call))]
      return { status: 200, body: { total_count: jobs.length, jobs } }
    },
  },
]

function runOf({ world, params }: Pick<Call, 'world' | 'params'>): WorkflowRun {
  const run = world.workflowRuns.find(({ id }) => id === Number(params['run_id']))
  if (!run) throw new Refusal(404, 'Not Found')
  return run
}

function begun(world: World, repo: Repo, workflow: string, inputs: Readonly<Record<string, string>>): WorkflowRun {
  const play = world.workflows.get(`${repo.owner.login}/${repo.name}/${workflow}`)
  if (!play) throw new Refusal(404, 'Not Found')
  if (!['sha', 'environment', 'release'].every((name) => inputs[name]))
    throw new Refusal(422, 'Unexpected inputs provided')
  const run: WorkflowRun = {
    id: world.id(),
    workflow,
    // As `run-name: Deploy ${{ inputs.sha }} for ${{ inputs.release }}` says it.
    title: `Deploy ${inputs['sha']} for ${inputs['release']}`,
    conclusion: undefined,
    createdAt: now(),
  }
  world.workflowRuns.push(run)
  world.note(world.bot, 'started the workflow', workflow, run.title)
  void play(inputs).then((conclusion) => (run.conclusion ??= conclusion))
  return run
}

function urlsOf(shapes: Shapes, repo: Repo, { id }: WorkflowRun) {
  const { url, html_url } = shapes.repo(repo)
  return { url: `${String(url)}/actions/runs/${id}`, html_url: `${String(html_url)}/actions/runs/${id}` }
}

const SHA = '0'.repeat(40)

export function runShape({ shapes }: Pick<Call, 'shapes'>, repo: Repo, run: WorkflowRun): Json {
  const urls = urlsOf(shapes, repo, run)
  const links = ['jobs', 'logs', 'check_suite', 'artifacts', 'cancel', 'rerun', 'workflow']
  const author = { name: 'x', email: 'x@example.com' }
  return {
    id: run.id,
    node_id: `WFR_${run.id}`,
    name: run.workflow,
    head_branch: repo.defaultBranch,
    head_sha: run.headSha ?? SHA,
    path: `.github/workflows/${run.workflow}`,
    display_title: run.title,
    run_number: run.id,
    event: run.headSha ? 'push' : 'workflow_dispatch',
    status: run.conclusion === undefined ? 'in_progress' : 'completed',
    conclusion: run.conclusion ?? null,
    workflow_id: 1,
    ...urls,
    pull_requests: [],
    created_at: run.createdAt,
    updated_at: run.createdAt,
    ...Object.fromEntries(links.map((name) => [`${name}_url`, `${urls.url}/${name}`])),
    head_commit: { id: SHA, tree_id: SHA, message: '', timestamp: run.createdAt, author, committer: author },
    repository: shapes.repo(repo),
    head_repository: shapes.repo(repo),
  }
}

function jobShape({ shapes }: Pick<Call, 'shapes'>, repo: Repo, run: WorkflowRun): Json {
  const { url, html_url } = urlsOf(shapes, repo, run)
  const isOver = run.conclusion !== undefined
  const ended = { status: isOver ? 'completed' : 'in_progress', conclusion: run.conclusion ?? null }
  return {
    id: run.id,
    node_id: `CR_${run.id}`,
    run_id: run.id,
    run_url: url,
    head_sha: SHA,
    workflow_name: run.workflow,
    head_branch: repo.defaultBranch,
    name: 'deploy',
    url: `${url}/jobs/1`,
    html_url: `${html_url}/job/1`,
    ...ended,
    started_at: run.createdAt,
    completed_at: isOver ? now() : null,
    check_run_url: `${url}/check`,
    labels: ['ubuntu-latest'],
    runner_id: null,
    runner_name: null,
    runner_group_id: null,
    runner_group_name: null,
    created_at: run.createdAt,
    steps: [{ name: 'Deploy', number: 1, ...ended }],
  }
}
