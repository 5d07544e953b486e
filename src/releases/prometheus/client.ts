import { z } from 'zod'
import type { Metrics } from '../../core/environments/gates.ts'
import type { Env } from '../../core/environment.ts'
import { bytesOf } from '../../core/bytes.ts'
import { UserError } from '../../core/errors.ts'
import type { Sample } from '../../core/traffic.ts'
import { listed } from '../listed.ts'
import type { Environment } from '../types.ts'
import { samplesOf, type Series, type Span } from './counters.ts'

const VARIABLE = 'MUSTER_DEPLOY_PROMETHEUS'
const PATIENCE_MS = 20_000
const MAX_ANSWER = 20_000_000
/** So long before a span there was a scrape, where there were any: longer than anybody waits between two. */
const BEFORE_MS = 300_000
/** So much is asked for at once. */
const PIECE_MS = 30 * 60_000

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
  return (allowedMetrics(env) ?? []).flatMap(({ url }) => (url.password ? [plain(url.password)] : []))
}

/** As it was meant: a `%` alone is one. */
function plain(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const Scrapes = z.object({
  metric: z.record(z.string(), z.string()),
  // Others are histograms of their own kind, which have none.
  values: z.array(z.tuple([z.number(), z.string().transform(Number)])).default([]),
})
const Matrix = z.object({ data: z.object({ resultType: z.literal('matrix'), result: z.array(Scrapes) }) })
const Scalar = z.object({ data: z.object({ result: z.tuple([z.number(), z.string().transform(Number)]) }) })

/**
 * Reads what Prometheus has counted of an environment. Its clock may be another than ours.
 * @param now ms since the epoch, by the clock of the span
 * @throws UserError `no_metrics` where the operator lets it read none, `no_prometheus` where it cannot be read
 */
export async function countedBy(
  { repository, name }: Pick<Environment, 'repository' | 'name'>,
  { requests, errors, latency }: Metrics,
  span: Span,
  { env, now }: { readonly env: Env; readonly now: number },
): Promise<readonly Sample[]> {
  const found = (allowedMetrics(env) ?? []).find(
    (one) => one.repository === repository.toLowerCase() && one.environment === name,
  )
  if (!found)
    throw new UserError('no_metrics', `Nobody has set whose metrics \`${name}\` of ${repository} is watched by.`, {
      hint: `The operator does, with ${VARIABLE}=${repository}:${name}=http://prometheus:9090.`,
    })
  const { url } = found
  const [, seconds] = Scalar.parse(await asked(url, { query: 'time()' })).data.result
  const off = seconds * 1000 - now
  const there = {
    from: span.from + off,
    to: span.to + off,
    since: span.since === undefined ? undefined : span.since + off,
  }
  // What is too much to be told of one is no reason to do without the others.
  const optional = latency === undefined ? [] : scraped(url, latency, there).catch(() => [])
  const [all, failed, slow] = await Promise.all([scraped(url, requests, there), scraped(url, errors, there), optional])
  const samples = samplesOf({ requests: all, errors: failed, latency: slow }, there)
  return samples.map((one) => ({ ...one, at: Math.round(one.at - off) }))
}

/** Every scrape of the counters that are named, in a span and a while before, piece by piece. */
async function scraped(url: URL, selector: string, { from, to }: Span): Promise<readonly Series[]> {
  const found = new Map<string, Series>()
  for (let end = from; end < to; ) {
    const begin = end === from ? from - BEFORE_MS : end
    end = Math.min(to, end + PIECE_MS)
    const seconds = Math.ceil((end - begin) / 1000)
    const { data } = Matrix.parse(await asked(url, { query: `${selector}[${seconds}s]`, time: String(end / 1000) }))
    for (const { metric, values } of data.result) {
      const key = JSON.stringify(metric)
      const before = found.get(key)?.values ?? []
      const last = before.at(-1)?.[0] ?? Number.NEGATIVE_INFINITY
      found.set(key, { metric, values: [...before, ...values.filter(([at]) => at > last)] })
    }
  }
  return [...found.values()]
}

async function asked(base: URL, question: Readonly<Record<string, string>>): Promise<unknown> {
  const url = new URL(base.origin)
  url.pathname = `${base.pathname.endsWith('/') ? base.pathname : `${base.pathname}/`}api/v1/query`
  const headers = base.username ? { authorization: `Basic ${credentials(base)}` } : {}
  try {
    const answer = await fetch(url, {
      method: 'POST',
      body: new URLSearchParams(question),
      headers,
      redirect: 'error',
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    const text = (await bytesOf(answer.body, MAX_ANSWER)).toString('utf8')
    if (!answer.ok) throw new Error(`${answer.status}: ${text.slice(0, 300)}`)
    return JSON.parse(text)
  } catch (cause) {
    throw new UserError('no_prometheus', 'Prometheus could not be asked.', {
      hint: 'The reason stands in Muster’s log.',
      cause,
    })
  }
}

function credentials({ username, password }: URL): string {
  return Buffer.from(`${plain(username)}:${plain(password)}`).toString('base64')
}
