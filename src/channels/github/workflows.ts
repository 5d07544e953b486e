import { UserError } from '../../core/errors.ts'
import type { Repository } from '../../core/task/types.ts'
import type { Runs } from '../../releases/types.ts'
import type { Platform } from '../types.ts'
import { byName } from './byname.ts'
import { beforeWrites, type GithubClient, idOf, refusalIn, statusOf } from './client.ts'

/** Workflows of GitHub Actions that deploy: started by `workflow_dispatch`, found and waited for. */

const MOST_RUNS = 50
const MOST_JOBS = 50
/** GitHub lists runs by the second; clocks differ. */
const TOLERANCE_MS = 60_000

export function workflowRuns(client: GithubClient, { findRepository }: Pick<Platform, 'findRepository'>): Runs {
  const at = byName(client, findRepository)
  return {
    async start(name, workflow, inputs, mayAct) {
      const { repository, names, octokit } = await at(name, { actions: 'write' })
      const dispatch = (more: { readonly return_run_details?: true }) =>
        octokit.request('POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches', {
          ...names,
          workflow_id: workflow,
          ref: repository.defaultBranch,
          inputs,
          ...more,
        })
      const send = (more: Parameters<typeof dispatch>[0]) => beforeWrites(mayAct, () => dispatch(more))
      const { data } = await send({ return_run_details: true }).catch((error: unknown) => {
        if (isUnknownOption(error)) return send({})
        throw refusalIn(error) ?? refusalOf(error, workflow, repository)
      })
      return runIn(data)
    },
    async find(name, workflow, { release: word }, since) {
      const { names, octokit } = await at(name, { actions: 'read' })
      const from = new Date(since - TOLERANCE_MS).toISOString().slice(0, 19)
      const { data } = await octokit.request('GET /repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs', {
        ...names,
        workflow_id: workflow,
        event: 'workflow_dispatch',
        created: `>=${from}Z`,
        per_page: MOST_RUNS,
      })
      const found = data.workflow_runs.find(({ display_title: title }) => title.split(/\s+/).includes(word))
      return found && idOf(found.id)
    },
    async get(name, id) {
      const { names, octokit } = await at(name, { actions: 'read' })
      const { data } = await octokit.request('GET /repos/{owner}/{repo}/actions/runs/{run_id}', {
        ...names,
        run_id: id,
      })
      return {
        conclusion: data.status === 'completed' ? (data.conclusion ?? 'unknown') : undefined,
        url: data.html_url,
      }
    },
    async cancel(name, id) {
      const { names, octokit } = await at(name, { actions: 'write' })
      await octokit
        .request('POST /repos/{owner}/{repo}/actions/runs/{run_id}/cancel', { ...names, run_id: id })
        // It has ended by itself.
        .catch((error: unknown) => {
          if (statusOf(error) !== 409) throw error
        })
    },
    async log(name, id) {
      const { names, octokit } = await at(name, { actions: 'read' })
      const { data } = await octokit.request('GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs', {
        ...names,
        run_id: id,
        per_page: MOST_JOBS,
      })
      return data.jobs.map(jobText).join('\n')
    },
  }
}

/** Enterprise servers before 3.20 do not know it. */
function isUnknownOption(error: unknown): boolean {
  return statusOf(error) === 422 && error instanceof Error && /return_run_details/.test(error.message)
}

function refusalOf(error: unknown, workflow: string, { defaultBranch }: Repository): unknown {
  const status = statusOf(error)
  if (status === 404)
    return new UserError(
      'no_workflow',
      `There is no workflow \`${workflow}\` on \`${defaultBranch}\`, or Muster may not start it.`,
      {
        hint: 'It stands in `.github/workflows`; the app needs the permission "Actions: write".',
        cause: error,
      },
    )
  if (status === 422)
    return new UserError('workflow_refused', `GitHub does not start \`${workflow}\`.`, {
      hint: 'Does it have `on: workflow_dispatch` with the inputs `sha`, `environment` and `release`?',
      cause: error,
    })
  if (status === 403)
    return new UserError('no_workflow', `Muster may not start \`${workflow}\`.`, {
      hint: 'The app needs the permission "Actions: write", which its owner accepts on GitHub.',
      cause: error,
    })
  return error
}

/** Answered with nothing where the run is not told. */
function runIn(data: unknown): number | undefined {
  const isTold = typeof data === 'object' && data !== null && 'workflow_run_id' in data
  return isTold && typeof data.workflow_run_id === 'number' ? data.workflow_run_id : undefined
}

interface Job {
  readonly name: string
  readonly conclusion: string | null
  readonly html_url: string | null
  readonly steps?: readonly { readonly name: string; readonly conclusion: string | null }[] | undefined
}

function jobText({ name, conclusion, html_url: url, steps = [] }: Job): string {
  const failed = steps.filter((step) => step.conclusion === 'failure').map((step) => step.name)
  const where = failed.length > 0 ? ` in ${failed.join(', ')}` : ''
  return `${name}: ${conclusion ?? 'under way'}${where} ${url ?? ''}`.trim()
}
