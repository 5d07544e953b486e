import { z } from 'zod'
import { UserError } from '../core/errors.ts'
import { duration } from '../core/reply/document.ts'
import { columns } from './columns.ts'
import { get, printHistory, type Remote, verify } from './remote.ts'
import type { Print } from './types.ts'

/** Environments of a running server: what is live, who waits, what happened. */

const Held = z.object({ sha: z.string(), by: z.string(), since: z.string() })
const Environment = z.object({
  repository: z.string(),
  name: z.string(),
  live: z.object({ sha: z.string(), since: z.string(), verdict: z.string().nullable() }).nullable(),
  holder: Held.nullable(),
  queue: z.array(Held),
  lock: z.object({ by: z.string(), reason: z.string(), since: z.string() }).nullable(),
})
const Environments = z.object({ items: z.array(Environment) })

/** A line for each. */
export async function listEnvironments(remote: Remote, print: Print): Promise<void> {
  const { items } = await get(remote, '/environments', Environments)
  if (items.length === 0) return print('Nothing has been deployed yet, and nothing is locked.')
  const rows = items.map(({ repository, name, live, holder, queue, lock }) => [
    repository,
    name,
    live
      ? `${live.sha.slice(0, 7)} since ${live.since.slice(0, 16)}Z, ${live.verdict ?? (holder?.sha === live.sha ? 'watched' : 'not judged')}`
      : 'nothing live',
    holder && holder.sha !== live?.sha ? `${holder.sha.slice(0, 7)} by ${holder.by} under way` : '',
    queue.length > 0 ? `${queue.length} in line` : '',
    lock ? `locked by ${lock.by}${lock.reason ? `: ${lock.reason}` : ''}` : '',
  ])
  const titles = ['REPOSITORY', 'ENVIRONMENT', 'LIVE', 'UNDER WAY', 'LINE', 'LOCK']
  for (const line of columns([titles, ...rows], titles.length)) print(line)
}

export async function environmentEvents(remote: Remote, repository: string, name: string, print: Print): Promise<void> {
  return printHistory(remote, pathOf(repository, name), print)
}

const Dora = z.object({
  deployments: z.number(),
  changes: z.number(),
  lead_seconds: z.number().nullable(),
  judged: z.number(),
  failed: z.number(),
  restore_seconds: z.number().nullable(),
})

/** The four figures of DORA, a line each. */
export async function environmentDora(
  remote: Remote,
  repository: string,
  name: string,
  span: string,
  print: Print,
): Promise<void> {
  const days = Number(span)
  if (!Number.isInteger(days) || days < 1 || days > 366)
    throw new UserError('bad_argument', `\`--days ${span}\` is no number of days from 1 to 366.`)
  const found = await get(remote, `${pathOf(repository, name)}/dora?days=${days}`, Dora)
  const time = (seconds: number | null) => (seconds === null ? 'not known' : duration(seconds * 1000))
  const share = found.judged === 0 ? 'none was judged' : `${Math.round((100 * found.failed) / found.judged)} %`
  const rows = [
    ['Deploys', `${found.deployments} in ${days} days (${((7 * found.deployments) / days).toFixed(1)} a week)`],
    ['From commit to live', `${time(found.lead_seconds)} (median of ${found.changes} changes)`],
    ['Got worse', `${found.failed} of ${found.judged} that were judged (${share})`],
    ['Until it was good again', `${time(found.restore_seconds)} (median)`],
  ]
  for (const line of columns(rows, 2)) print(line)
}

/** Replays its history on the server, and says whether it is what was written. @returns whether it is */
export async function verifyEnvironment(
  remote: Remote,
  repository: string,
  name: string,
  print: Print,
): Promise<boolean> {
  return verify(remote, pathOf(repository, name), print)
}

function pathOf(repository: string, name: string): string {
  const [owner, repo, ...rest] = repository.split('/')
  if (!owner || !repo || rest.length > 0)
    throw new UserError('bad_repository', `\`${repository}\` is no repository.`, {
      hint: 'It is written `owner/name`.',
    })
  return `/environments/${[owner, repo, name].map(encodeURIComponent).join('/')}`
}
