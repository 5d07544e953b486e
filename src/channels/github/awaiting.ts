import { UserError } from '../../core/errors.ts'
import type { Runs } from '../../releases/types.ts'
import type { Platform } from '../types.ts'
import { byName } from './byname.ts'
import { beforeWrites, type GithubClient, idOf, refusalIn, statusOf } from './client.ts'
import { shipments } from './shipments.ts'

/**
 * Workflows that wait at an environment of GitHub's until Muster says that they may go on: the app is a custom deployment protection rule
 * there (docs.github.com, "Creating custom deployment protection rules").
 */

const MOST = 100
/** How long a workflow may take until it waits: its tests come first. */
const COMES_MS = 15 * 60_000
const LOOK_MS = 5000
/** Who makes the deployments of workflows. */
const ACTIONS = 'github-actions[bot]'

type At = Awaited<ReturnType<ReturnType<typeof byName>>>
type Of = Pick<At, 'names' | 'octokit'>

/** The run of a commit that waits at an environment; undefined where none does. */
export async function waitingRun(
  { names, octokit }: Of,
  sha: string,
  environment: string,
): Promise<number | undefined> {
  const { data } = await octokit.request('GET /repos/{owner}/{repo}/actions/runs', {
    ...names,
    head_sha: sha,
    status: 'waiting',
    per_page: MOST,
  })
  for (const { id } of data.workflow_runs) {
    const pending = await octokit.request('GET /repos/{owner}/{repo}/actions/runs/{run_id}/pending_deployments', {
      ...names,
      run_id: idOf(id),
    })
    if (pending.data.some((one) => one.environment.name === environment)) return idOf(id)
  }
  return undefined
}

/** Says whether a run that waits may go on. */
export async function answerRun(
  { names, octokit }: Of,
  run: number,
  answer: { readonly environment: string; readonly state: 'approved' | 'rejected'; readonly comment: string },
): Promise<void> {
  const { environment, state, comment } = answer
  await octokit.request('POST /repos/{owner}/{repo}/actions/runs/{run_id}/deployment_protection_rule', {
    ...names,
    run_id: run,
    environment_name: environment,
    state,
    comment,
  })
}

/** What Muster gates of those: what they do is told by their deployment. @param pause waits so many ms */
export function awaiting(
  client: GithubClient,
  platform: Pick<Platform, 'findRepository'>,
  pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
): Runs {
  const at = byName(client, platform.findRepository)
  const shipped = shipments(client, platform)
  /** The newest deployment that a workflow has made of a commit. */
  const deploymentOf = async ({ names, octokit }: Of, sha: string, environment: string) => {
    const { data } = await octokit.request('GET /repos/{owner}/{repo}/deployments', {
      ...names,
      sha,
      environment,
      per_page: MOST,
    })
    return data.find(({ creator }) => creator?.login === ACTIONS)
  }
  return {
    isRepeatable: true,
    async start(name, _, { sha, environment, release }, mayAct) {
      const of = await at(name, { actions: 'write', deployments: 'write' })
      const isAgain = (await deploymentOf(of, sha, environment)) !== undefined
      let run = await waitingRun(of, sha, environment)
      // It has been there: what has ended is run once more.
      if (run === undefined && isAgain) await rerun(of, sha, mayAct)
      const until = Date.now() + COMES_MS
      while (run === undefined && Date.now() < until) {
        await pause(LOOK_MS)
        mayAct()
        run = await waitingRun(of, sha, environment)
      }
      if (run === undefined) throw notWaiting(sha, environment)
      const waiting = run
      const comment = `Approved, and its turn: release ${release}.`
      await beforeWrites(mayAct, () => answerRun(of, waiting, { environment, state: 'approved', comment })).catch(
        (error: unknown) => {
          throw refusalIn(error) ?? refusalOf(error, environment)
        },
      )
      const made = await deploymentOf(of, sha, environment)
      return made && idOf(made.id)
    },
    /** One that has gone on since. */
    async find(name, _, { sha, environment }, since) {
      const of = await at(name, { actions: 'read', deployments: 'read' })
      if ((await waitingRun(of, sha, environment)) !== undefined) return undefined
      const made = await deploymentOf(of, sha, environment)
      return made && Date.parse(made.updated_at) >= since - LOOK_MS ? idOf(made.id) : undefined
    },
    get: (name, id) => shipped.get(name, id),
    log: (name, id) => shipped.log(name, id),
    /** The run that the deployment says it is of. */
    async cancel(name, id) {
      const { url } = await shipped.get(name, id)
      const run = Number(/\/actions\/runs\/(\d+)/.exec(url)?.[1])
      if (!run) return
      const { names, octokit } = await at(name, { actions: 'write' })
      await octokit
        .request('POST /repos/{owner}/{repo}/actions/runs/{run_id}/cancel', { ...names, run_id: run })
        // It has ended by itself.
        .catch((error: unknown) => {
          if (statusOf(error) !== 409) throw error
        })
    },
  }
}

/** The newest run of a commit that has ended. */
async function rerun({ names, octokit }: Of, sha: string, mayAct: () => void): Promise<void> {
  const { data } = await octokit.request('GET /repos/{owner}/{repo}/actions/runs', {
    ...names,
    head_sha: sha,
    status: 'completed',
    per_page: MOST,
  })
  const [newest] = data.workflow_runs
  if (!newest) return
  await beforeWrites(mayAct, () =>
    octokit.request('POST /repos/{owner}/{repo}/actions/runs/{run_id}/rerun', { ...names, run_id: idOf(newest.id) }),
  ).catch((error: unknown) => {
    throw refusalIn(error) ?? error
  })
}

function notWaiting(sha: string, environment: string): UserError {
  return new UserError(
    'nothing_waits',
    `No workflow of \`${sha.slice(0, 7)}\` waits at the environment \`${environment}\`.`,
    {
      hint: 'Does one deploy there, and is this app among the protection rules of that environment on GitHub?',
    },
  )
}

function refusalOf(error: unknown, environment: string): unknown {
  const status = statusOf(error)
  if (status !== 403 && status !== 404 && status !== 422) return error
  return new UserError('nothing_waits', `GitHub lets Muster say nothing about \`${environment}\`.`, {
    hint: 'This app has to be among the protection rules of that environment, with the permission "Deployments: write".',
    cause: error,
  })
}
