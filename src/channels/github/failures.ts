import { failureIn } from '../../core/ci/log.ts'
import type { FailedCheck } from '../../core/ci/types.ts'
import type { Repository } from '../../core/task/types.ts'
import { type GithubClient, statusOf } from './client.ts'
import { pagesOf } from './pages.ts'

/** What GitHub knows of a failed check beside what its event says: annotations, the log of its job, and whether it was red before. */

/** A log is kept as far as this from its end, and read no further than that from its beginning (bytes). */
const KEPT_LOG = 2_000_000
const MOST_LOG = 100_000_000
const LOG_MS = 60_000
const MOST_TEXT = 8000
const MOST_ANNOTATIONS = 20

type Octokit = Awaited<ReturnType<GithubClient['on']>>

/**
 * A failed check with all that can be read of why. What the app may not read (a permission that the installation has not
 * accepted yet), or what is gone, is left out, in words.
 * @param baseSha what the change began with
 */
export async function moreOfCheck(
  client: GithubClient,
  repository: Repository,
  check: FailedCheck,
  baseSha: string | undefined,
): Promise<FailedCheck> {
  const names = { owner: repository.owner, repo: repository.name }
  const notes = await orNothing(() => annotations(client, repository, names, check))
  const log = check.isJob ? await logOf(client, repository, names, check) : undefined
  const isRedBefore = baseSha ? await orNothing(() => wasRed(client, repository, names, check, baseSha)) : undefined
  const text = [check.text, notes, log].filter((part) => part !== undefined && part !== '').join('\n\n')
  return { ...check, text: text.slice(0, MOST_TEXT * 2), ...(isRedBefore ? { isRedBefore } : {}) }
}

interface Names {
  readonly owner: string
  readonly repo: string
}

/** What may not be read or is gone; anything else is tried again with the event. */
async function orNothing<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (isRefused(error)) return undefined
    throw error
  }
}

/** 422: the installation has not been given the permission, so there is no token with it. */
function isRefused(error: unknown): boolean {
  const status = statusOf(error)
  return status === 403 || status === 404 || status === 410 || status === 422
}

async function annotations(client: GithubClient, repository: Repository, names: Names, { runId }: FailedCheck) {
  if (runId === undefined) return undefined
  const octokit = await client.on(repository, { checks: 'read' })
  const { data } = await octokit.request('GET /repos/{owner}/{repo}/check-runs/{check_run_id}/annotations', {
    ...names,
    check_run_id: runId,
    per_page: 50,
  })
  const failures = data.filter(({ annotation_level: level }) => level === 'failure')
  const lines = failures
    .slice(0, MOST_ANNOTATIONS)
    .map(({ path, start_line: line, message }) => `${path}:${line}: ${(message ?? '').slice(0, 500)}`)
  return lines.length > 0 ? `Annotations:\n${lines.join('\n')}` : undefined
}

/** The job of a check run of GitHub Actions has the same number. */
async function logOf(client: GithubClient, repository: Repository, names: Names, { runId }: FailedCheck) {
  try {
    const octokit = await client.on(repository, { actions: 'read' })
    const { headers } = await octokit.request('GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs', {
      ...names,
      job_id: runId ?? 0,
      // The log is elsewhere, and may be large: it is read piece by piece.
      request: { redirect: 'manual' },
    })
    const log = headers.location ? await endOf(headers.location) : ''
    return log ? `The log of the job:\n${failureIn(log, MOST_TEXT)}` : 'The log of the job could not be read.'
  } catch (error) {
    if (isRefused(error))
      return 'The log of the job cannot be read: it is gone, or the app lacks the permission "Actions".'
    throw error
  }
}

/** The end of what stands at an address; nothing where that is out of reach from here: the check is told of without its log. */
async function endOf(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(LOG_MS) })
    return response.ok && response.body ? await lastOf(response.body) : ''
  } catch {
    return ''
  }
}

async function lastOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  let kept = Buffer.alloc(0)
  let read = 0
  for await (const chunk of body) {
    read += chunk.length
    kept = Buffer.concat([kept, chunk])
    if (kept.length > 2 * KEPT_LOG) kept = kept.subarray(kept.length - KEPT_LOG)
    if (read > MOST_LOG) break
  }
  return kept.subarray(Math.max(0, kept.length - KEPT_LOG)).toString('utf8')
}

/** Whether the same check failed on another commit. */
async function wasRed(
  client: GithubClient,
  repository: Repository,
  names: Names,
  { name, runId }: FailedCheck,
  sha: string,
): Promise<boolean> {
  if (runId === undefined) return wasStatusRed(await client.on(repository, { statuses: 'read' }), names, name, sha)
  const octokit = await client.on(repository, { checks: 'read' })
  const { data } = await octokit.request('GET /repos/{owner}/{repo}/commits/{ref}/check-runs', {
    ...names,
    ref: sha,
    check_name: name,
    filter: 'latest',
  })
  return data.check_runs.some(({ conclusion }) => conclusion === 'failure' || conclusion === 'timed_out')
}

async function wasStatusRed(octokit: Octokit, names: Names, context: string, sha: string): Promise<boolean> {
  const pages = octokit.paginate.iterator('GET /repos/{owner}/{repo}/commits/{ref}/statuses', {
    ...names,
    ref: sha,
    per_page: 100,
  })
  // The newest first.
  for await (const data of pagesOf(pages, 'statuses', [], 3)) {
    const last = data.find((one) => one.context === context)
    if (last) return last.state === 'failure' || last.state === 'error'
  }
  return false
}
