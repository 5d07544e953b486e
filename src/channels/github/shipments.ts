import { UserError } from '../../core/errors.ts'
import type { Repository } from '../../core/task/types.ts'
import type { Runs } from '../../releases/types.ts'
import type { Platform } from '../types.ts'
import { byName } from './byname.ts'
import { beforeWrites, type GithubClient, idOf, refusalIn, statusOf } from './client.ts'

/** Deployments on GitHub that another system carries out: it is told by one, and tells by its statuses. */

const MOST = 100
/** What ends a deployment, by the state of its newest status (docs.github.com, "REST API endpoints for deployment statuses"); `inactive`: another one took its place. */
const ENDS: ReadonlySet<string> = new Set(['success', 'failure', 'error', 'inactive'])

export function shipments(client: GithubClient, { findRepository }: Pick<Platform, 'findRepository'>): Runs {
  const at = byName(client, findRepository)
  const statuses = async (name: string, id: number) => {
    const { repository, names, octokit } = await at(name, { deployments: 'read' })
    const { data } = await octokit.request('GET /repos/{owner}/{repo}/deployments/{deployment_id}/statuses', {
      ...names,
      deployment_id: id,
      per_page: MOST,
    })
    return { repository, data }
  }
  return {
    async start(name, task, { sha, environment, release }, mayAct) {
      const { names, octokit } = await at(name, { deployments: 'write' })
      const send = () =>
        octokit.request('POST /repos/{owner}/{repo}/deployments', {
          ...names,
          ref: sha,
          task,
          environment,
          auto_merge: false,
          required_contexts: [],
          payload: { muster: release },
          description: 'Approved; to be shipped',
        })
      const { data } = await beforeWrites(mayAct, send).catch((error: unknown) => {
        throw refusalIn(error) ?? refusalOf(error)
      })
      return 'id' in data ? idOf(data.id) : undefined
    },
    async find(name, task, { release }) {
      const { names, octokit } = await at(name, { deployments: 'read' })
      const { data } = await octokit.request('GET /repos/{owner}/{repo}/deployments', {
        ...names,
        task,
        per_page: MOST,
      })
      const found = data.find(({ payload }) => releaseIn(payload) === release)
      return found && idOf(found.id)
    },
    async get(name, id) {
      const { repository, data } = await statuses(name, id)
      // The newest first. One that has ended goes on as inactive once another has taken its place.
      const conclusion = data.findLast(({ state }) => ENDS.has(state))?.state
      const url = data.find(({ log_url: log, target_url: target }) => log || target)
      return { conclusion, url: url?.log_url || url?.target_url || pageOf(client, repository) }
    },
    /** Whoever ships may hear of it, or go on: GitHub stops nobody. */
    async cancel(name, id) {
      const { repository, names, octokit } = await at(name, { deployments: 'write' })
      await octokit.request('POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses', {
        ...names,
        deployment_id: id,
        state: 'error',
        description: 'Cancelled by Muster',
        log_url: pageOf(client, repository),
      })
    },
    async log(name, id) {
      const { data } = await statuses(name, id)
      const lines = data.map(({ state, description, log_url: log }) => `${state}: ${description} ${log ?? ''}`.trim())
      return lines.toReversed().join('\n')
    },
  }
}

function pageOf({ serverUrl }: GithubClient, { owner, name }: Repository): string {
  return `${serverUrl}/${owner}/${name}/deployments`
}

function releaseIn(payload: unknown): unknown {
  return typeof payload === 'object' && payload !== null ? Reflect.get(payload, 'muster') : undefined
}

function refusalOf(error: unknown): unknown {
  const status = statusOf(error)
  if (status === 403 || status === 404)
    return new UserError('no_deployment', 'Muster may not make deployments there.', {
      hint: 'The app needs the permission "Deployments: write".',
      cause: error,
    })
  if (status === 409 || status === 422)
    return new UserError('no_deployment', 'GitHub makes no deployment of this commit.', { cause: error })
  return error
}
