import { z } from 'zod'
import { bytesOf } from '../../core/bytes.ts'
import { UserError } from '../../core/errors.ts'
import { parseJson } from '../../core/json.ts'
import { placeOf, WORKERS } from '../places.ts'
import type { Environment, TargetDeps } from '../types.ts'

/** Cloudflare's own API (developers.cloudflare.com/api/resources/workers): which versions of a Worker there are, and which are given requests. */

const API = 'https://api.cloudflare.com/client/v4'
const CALL_MS = 30_000
const MAX_WHY = 400
const MAX_ANSWER = 4_000_000
const TOKEN = 'CLOUDFLARE_API_TOKEN'
/** What is told of a Worker that is not there. */
const NONE = new Set([10007, 10090])

/** One Worker of one account, and what lets Muster at it. */
export interface Account {
  readonly account: string
  readonly worker: string
  readonly token: string
  readonly api: string
}

/** A version that is given requests. */
export interface Given {
  readonly version: string
  readonly percent: number
}

/** @throws UserError where the operator has not said which Worker it is, or by which token */
export function accountOf(
  { env }: Pick<TargetDeps, 'env'>,
  environment: Pick<Environment, 'repository' | 'name'>,
): Account {
  const { at: account, part: worker } = placeOf(WORKERS, environment, env)
  const token = env[TOKEN]
  if (token) return { account, worker, token, api: env['CLOUDFLARE_API_BASE_URL'] || API }
  throw new UserError('no_token', `Nobody has set how \`${environment.name}\` is deployed to Cloudflare.`, {
    hint: `The operator sets ${TOKEN}, a token that may edit Workers.`,
  })
}

/** Which versions are given requests; nothing, where there is no such Worker. */
export async function givenAt(account: Account): Promise<readonly Given[]> {
  const known = await asked(account, 'deployments', Deployments)
  // The newest first.
  const versions = known?.deployments[0]?.versions ?? []
  return versions.map(({ version_id: version, percentage: percent }) => ({ version, percent }))
}

const Deployments = z.object({
  deployments: z.array(z.object({ versions: z.array(z.object({ version_id: z.string(), percentage: z.number() })) })),
})

const MESSAGE = 'workers/message'
const Version = z.object({ id: z.string(), annotations: z.object({ [MESSAGE]: z.string().optional() }).optional() })

/** What Muster writes to a version of its own: of which commit it is, and for which release. At most 100 characters are kept. */
export function versionMessage(releaseId: string, sha: string): string {
  return `muster ${sha} ${releaseId}`.slice(0, 100)
}

/** The commit of a version; undefined where Muster has not made it. */
export async function shaOf(account: Account, version: string): Promise<string | undefined> {
  const known = await asked(account, `versions/${version}`, Version)
  return /^muster (\S+)/.exec(known?.annotations?.[MESSAGE] ?? '')?.[1]
}

/** The version with a message, where there is one: whoever uploaded it may have ended before that was written down. */
export async function versionWith(account: Account, message: string): Promise<string | undefined> {
  const all = await asked(account, 'versions', z.object({ items: z.array(Version) }))
  return all?.items.find(({ annotations }) => annotations?.[MESSAGE] === message)?.id
}

/** The newest migration that was made there; undefined where none was, or there is no such Worker. */
export async function migrationAt({ api, account, worker, token }: Account): Promise<string | undefined> {
  const known = await called({ token }, `${api}/accounts/${account}/workers/services/${worker}`, Service)
  return known?.default_environment.script.migration_tag ?? undefined
}

const Service = z.object({
  default_environment: z.object({ script: z.object({ migration_tag: z.string().nullish() }) }),
})

/** Gives versions their shares of the requests, 100 % in all; nothing is done where they have them. @throws UserError */
export async function give(
  account: Account,
  wanted: readonly Given[],
  releaseId: string,
  signal: AbortSignal,
): Promise<void> {
  const now = await givenAt(account)
  const has = ({ version, percent }: Given) => now.some((one) => one.version === version && one.percent === percent)
  if (now.length === wanted.length && wanted.every(has)) return
  signal.throwIfAborted()
  const versions = wanted.map(({ version, percent }) => ({ version_id: version, percentage: percent }))
  const body = { strategy: 'percentage', versions, annotations: { [MESSAGE]: `muster ${releaseId}`.slice(0, 100) } }
  await asked(account, 'deployments', z.unknown(), body)
}

const Answer = z.object({
  result: z.unknown().optional(),
  errors: z.array(z.object({ code: z.number(), message: z.string() })).default([]),
})

/** @param body what is sent; without one it is only asked @returns undefined where there is no such Worker @throws UserError */
function asked<T>(
  { api, account, worker, token }: Account,
  path: string,
  schema: z.ZodType<T>,
  body?: unknown,
): Promise<T | undefined> {
  return called({ token }, `${api}/accounts/${account}/workers/scripts/${worker}/${path}`, schema, body)
}

async function called<T>(
  { token }: Pick<Account, 'token'>,
  url: string,
  schema: z.ZodType<T>,
  body?: unknown,
): Promise<T | undefined> {
  const { response, result, errors } = await answered(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(CALL_MS),
  })
  if (response.ok) return schema.parse(result)
  if (body === undefined && errors.some(({ code }) => NONE.has(code))) return undefined
  const why = errors
    .map(({ code, message }) => `${message} (${code})`)
    .join('; ')
    .slice(0, MAX_WHY)
  const isDenied = response.status === 401 || response.status === 403
  throw new UserError('cloudflare_refuses', `Cloudflare refuses: ${why || `it answers ${response.status}`}`, {
    ...(isDenied && { hint: `Is ${TOKEN} a token that may edit Workers of this account?` }),
  })
}

/** What is no answer of Cloudflare's own says nothing. @throws UserError where there is none, or one without an end */
async function answered(url: string, request: RequestInit) {
  try {
    const response = await fetch(url, request)
    const bytes = await bytesOf(response.body, MAX_ANSWER)
    const { result, errors = [] } = Answer.safeParse(parseJson(bytes.toString('utf8'))).data ?? {}
    return { response, result, errors }
  } catch (cause) {
    throw new UserError('cloudflare_down', 'Cloudflare cannot be reached now.', { cause })
  }
}
