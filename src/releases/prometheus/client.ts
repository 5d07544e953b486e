import { z } from 'zod'
import type { Metrics } from '../../core/environments/gates.ts'
import type { Env } from '../../core/environment.ts'
import { UserError } from '../../core/errors.ts'
import type { Sample } from '../../core/traffic.ts'
import { listed } from '../listed.ts'
import type { Environment } from '../types.ts'
import { samplesOf, type Series } from './counters.ts'

const VARIABLE = 'MUSTER_DEPLOY_PROMETHEUS'
const PATIENCE_MS = 20_000
const MAX_ANSWER = 20_000_000
/** So long before a span there was a scrape, where there were any: longer than anybody waits between two. */
const BEFORE_S = 300

interface Allowed {
  readonly repository: string
  readonly environment: string
  readonly url: URL
}

const ENTRY = /^([\w.-]+\/[\w.-]+):([\w.-]+)=(https?:\/\/\S+)$/

/** What the operator allows, as `MUSTER_DEPLOY_PROMETHEUS=owner/name:environment=http://prometheus:9090`, several with commas; undefined where that cannot be read. */
export function allowedMetrics(env: Env): readonly Allowed[] | undefined {
  return listed(env[VARIABLE], (one) => {
    const [, repository, environment, url = ''] = ENTRY.exec(one) ?? []
    return repository && environment && URL.canParse(url)
      ? { repository: repository.toLowerCase(), environment, url: new URL(url) }
      : undefined
  })
}

/** Passwords in these addresses: they are shown nowhere. */
export function metricsSecrets(env: Env): string[] {
  return (allowedMetrics(env) ?? []).flatMap(({ url }) => (url.password ? [decodeURIComponent(url.password)] : []))
}

const Answer = z.object({
  status: z.literal('success'),
  data: z.object({
    resultType: z.literal('matrix'),
    result: z.array(
      z.object({
        metric: z.record(z.string(), z.string()),
        values: z.array(z.tuple([z.number(), z.string().transform(Number)])),
      }),
    ),
  }),
})

/** Reads what Prometheus has counted of an environment. @throws UserError where the operator lets it read none, or it cannot be read */
export async function countedBy(
  { repository, name }: Pick<Environment, 'repository' | 'name'>,
  { requests, errors, latency }: Metrics,
  span: { readonly from: number; readonly to: number },
  env: Env,
): Promise<readonly Sample[]> {
  const found = (allowedMetrics(env) ?? []).find(
    (one) => one.repository === repository.toLowerCase() && one.environment === name,
  )
  if (!found)
    throw new UserError('no_prometheus', `Nobody has set whose metrics \`${name}\` of ${repository} is watched by.`, {
      hint: `The operator does, with ${VARIABLE}=${repository}:${name}=http://prometheus:9090.`,
    })
  const read = (selector: string | undefined) => (selector === undefined ? [] : scraped(found.url, selector, span))
  const [all, failed, slow] = await Promise.all([read(requests), read(errors), read(latency)])
  return samplesOf({ requests: all ?? [], errors: failed ?? [], latency: slow ?? [] }, span.from, span.to)
}

/** Every scrape of the counters that are named, in a span and a while before. */
async function scraped(
  base: URL,
  selector: string,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<readonly Series[]> {
  const seconds = Math.ceil((to - from) / 1000) + BEFORE_S
  const body = new URLSearchParams({ query: `${selector}[${seconds}s]`, time: String(to / 1000) })
  const url = new URL(`${base.pathname.replace(/\/$/, '')}/api/v1/query`, base.origin)
  const headers = base.username ? { authorization: `Basic ${credentials(base)}` } : {}
  try {
    const answer = await fetch(url, {
      method: 'POST',
      body,
      headers,
      redirect: 'error',
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    const text = await textOf(answer)
    if (!answer.ok) throw new Error(`${answer.status}: ${text.slice(0, 300)}`)
    return Answer.parse(JSON.parse(text)).data.result
  } catch (cause) {
    throw new UserError('no_prometheus', 'Prometheus could not be asked.', {
      hint: 'The reason stands in Muster’s log.',
      cause,
    })
  }
}

async function textOf(answer: Response): Promise<string> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of answer.body ?? []) {
    size += part.length
    if (size > MAX_ANSWER) throw new Error('it answers with more than is read')
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function credentials({ username, password }: URL): string {
  return Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
}
