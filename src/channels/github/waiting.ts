import type { byName } from './byname.ts'
import { idOf } from './client.ts'

/** Runs that wait at an environment of GitHub's, where the app is a custom deployment protection rule. */

const MOST = 100

type At = Awaited<ReturnType<ReturnType<typeof byName>>>
export type Of = Pick<At, 'names' | 'octokit'>

/** A run that waits, and what GitHub calls the environment at which it does. */
export interface Waiting {
  readonly run: number
  readonly environment: string
}

/** Whether a run waits at an environment, whose names GitHub compares without case. */
export async function waitsAt({ names, octokit }: Of, run: number, environment: string): Promise<Waiting | undefined> {
  const { data } = await octokit.request('GET /repos/{owner}/{repo}/actions/runs/{run_id}/pending_deployments', {
    ...names,
    run_id: run,
  })
  const found = data.find((one) => one.environment.name?.toLowerCase() === environment.toLowerCase())
  return found?.environment.name ? { run, environment: found.environment.name } : undefined
}

/** The runs of a commit that wait at an environment, the newest first. One of several jobs may wait while others go on. */
export async function waitingRuns(of: Of, sha: string, environment: string): Promise<readonly Waiting[]> {
  const { data } = await of.octokit.request('GET /repos/{owner}/{repo}/actions/runs', {
    ...of.names,
    head_sha: sha,
    per_page: MOST,
  })
  const open = data.workflow_runs.filter(({ status }) => status !== 'completed')
  const found = await Promise.all(open.map(({ id }) => waitsAt(of, idOf(id), environment)))
  return found.filter((one) => one !== undefined)
}

/** Says whether a run that waits may go on; without `state` that it waits, and why. */
export async function answerRun(
  { names, octokit }: Of,
  { run, environment }: Waiting,
  answer: { readonly state?: 'approved' | 'rejected'; readonly comment: string },
): Promise<void> {
  await octokit.request('POST /repos/{owner}/{repo}/actions/runs/{run_id}/deployment_protection_rule', {
    ...names,
    run_id: run,
    environment_name: environment,
    ...answer,
  } as const)
}

/** The newest deployment of a commit that is not Muster's own, other than the one before. */
export async function deploymentOf({ names, octokit }: Of, sha: string, environment: string, before?: number) {
  const { data } = await octokit.request('GET /repos/{owner}/{repo}/deployments', {
    ...names,
    sha,
    environment,
    per_page: MOST,
  })
  return data.find(({ id, payload }) => !isOwn(payload) && idOf(id) !== before)
}

/** The deployments by which Muster shows its releases say so. */
function isOwn(payload: unknown): boolean {
  return typeof payload === 'object' && payload !== null && 'muster' in payload
}
