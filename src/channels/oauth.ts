import * as oauth from 'oauth4webapi'
import { z } from 'zod'
import { bytesOf } from '../core/bytes.ts'
import type { Tokens } from '../installs/types.ts'
import { SendError } from './types.ts'

/** What the vendors' ways to sign in and to install an app have in common: the OAuth client, and how each vendor wants to be asked. */

const PATIENCE_MS = 20_000
/** No answer of theirs is nearly as long. */
const MAX_BYTES = 1024 * 1024

/** What a vendor knows an app by. */
export interface OAuthApp {
  readonly clientId: string
  readonly clientSecret: string
}

/** Where a vendor gives tokens, and how it takes what is asked: as the standard has it (RFC 6749, 4.1.3), as JSON, or in the address. */
export interface TokenEndpoint extends OAuthApp {
  readonly url: string
  readonly takes: 'form' | 'json' | 'query'
}

/** What is granted: the code of a consent, or new tokens for old ones. */
export type Grant =
  | {
      readonly type: 'authorization_code'
      readonly code: string
      readonly redirectUri: string
      readonly verifier?: string
    }
  | { readonly type: 'refresh_token'; readonly refreshToken: string }

/**
 * Asks a vendor's endpoint for tokens.
 * @throws SendError `fatal` where it refused, `unknown` where it cannot answer now: only the first says something about the token
 */
export async function tokensFor<T>(endpoint: TokenEndpoint, grant: Grant, shape: z.ZodType<T>): Promise<T> {
  const { url, clientId, clientSecret } = endpoint
  const server = { issuer: new URL(url).origin, token_endpoint: url }
  const client = { client_id: clientId }
  const seen = { status: 0, text: '' }
  try {
    const answer = await oauth.genericTokenEndpointRequest(
      server,
      client,
      oauth.ClientSecretPost(clientSecret),
      grant.type,
      parametersOf(grant),
      {
        signal: AbortSignal.timeout(PATIENCE_MS),
        // A rehearsal has no certificate.
        [oauth.allowInsecureRequests]: !url.startsWith('https:'),
        [oauth.customFetch]: async (where, { body, headers }) => {
          const response = await bounded(await post(endpoint, where, body, headers))
          Object.assign(seen, { status: response.status, text: await response.clone().text() })
          return response
        },
      },
    )
    // Slack's are called after whom they stand for.
    const recognizedTokenTypes = { bot: () => {} }
    const read = await oauth.processGenericTokenEndpointResponse(server, client, answer, { recognizedTokenTypes })
    return shape.parse(read)
  } catch (error) {
    throw refusalOf(url, seen, error)
  }
}

function parametersOf(grant: Grant): Record<string, string> {
  if (grant.type === 'refresh_token') return { refresh_token: grant.refreshToken }
  const { code, redirectUri, verifier } = grant
  return { code, redirect_uri: redirectUri, ...(verifier ? { code_verifier: verifier } : {}) }
}

/** The request as the vendor takes it. */
function post(
  { takes }: TokenEndpoint,
  url: string,
  body: URLSearchParams,
  headers: Record<string, string>,
): Promise<Response> {
  const signal = AbortSignal.timeout(PATIENCE_MS)
  const common = { method: 'POST', signal, redirect: 'error' } as const
  if (takes === 'form') return fetch(url, { ...common, body, headers })
  const fields = Object.fromEntries(body)
  const as = { ...headers, 'content-type': 'application/json' }
  if (takes === 'json') return fetch(url, { ...common, body: JSON.stringify(fields), headers: as })
  const { grant_type: _, redirect_uri: __, ...asked } = fields
  return fetch(`${url}?${new URLSearchParams(asked).toString()}`, { ...common, body: '{}', headers: as })
}

/** An answer that was read, as far as it may go. @throws Error where there is more */
async function bounded(response: Response): Promise<Response> {
  const bytes = await bytesOf(response.body, MAX_BYTES)
  const { status, headers } = response
  return new Response(bytes.length > 0 ? bytes : null, { status, headers })
}

/** With the vendor's own word for what was refused. */
function refusalOf(url: string, { status, text }: { status: number; text: string }, cause: unknown): SendError {
  const message = `${new URL(url).host} did not give a token (${status})`
  const isRefused =
    status > 0 && status < 500 && status !== 429 && !/ratelimited|internal_error|fatal_error|unavailable/.test(text)
  return isRefused
    ? new SendError('fatal', message, { trouble: 'token', cause })
    : new SendError('unknown', message, { cause })
}

/** Asks a vendor with a fresh token what it is good for. @throws SendError when there is no such answer */
export async function askWith<T>(token: string, url: string, shape: z.ZodType<T>): Promise<T> {
  const answer = await fetch(url, {
    headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
    signal: AbortSignal.timeout(PATIENCE_MS),
    redirect: 'error',
  })
  const parsed = shape.safeParse(await (await bounded(answer)).json().catch(() => undefined))
  if (answer.ok && parsed.success) return parsed.data
  throw new Error(`${new URL(url).host} does not say what the token is good for (${answer.status})`)
}

/** The answer of RFC 6749, 5.1, as far as it is read. */
export const TokenAnswer = z.object({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1).optional(),
  expires_in: z.number().positive().optional(),
})

/** A vendor's answer as tokens that are kept. @param now ms since the epoch */
export function tokensOf(
  { access_token, refresh_token, expires_in }: z.infer<typeof TokenAnswer>,
  extra: Tokens['extra'],
  now: number,
): Tokens {
  return {
    accessToken: access_token,
    ...(refresh_token ? { refreshToken: refresh_token } : {}),
    ...(expires_in ? { expiresAt: now + expires_in * 1000 } : {}),
    extra,
  }
}
