import { jsonIn } from '../core/json.ts'
import { z } from 'zod'
import { SendError } from './types.ts'
import type { Tokens } from '../installs/types.ts'

/** What the vendors' ways to install an app have in common. */

const PATIENCE_MS = 20_000

/** What a vendor knows an app by. */
export interface OAuthApp {
  readonly clientId: string
  readonly clientSecret: string
}

/** Posts to a vendor's endpoint for tokens. @throws Error with the vendor's own word for what was refused */
export async function postForTokens<T>(
  url: string,
  body: Readonly<Record<string, string>>,
  shape: z.ZodType<T>,
  as: 'form' | 'json',
): Promise<T> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      accept: 'application/json',
      'content-type': as === 'json' ? 'application/json' : 'application/x-www-form-urlencoded',
    },
    body: as === 'json' ? JSON.stringify(body) : new URLSearchParams(body).toString(),
    signal: AbortSignal.timeout(PATIENCE_MS),
    redirect: 'error',
  })
  const text = await answer.text().catch(() => '')
  const parsed = shape.safeParse(jsonIn(Buffer.from(text)))
  if (answer.ok && parsed.success) return parsed.data
  const message = `${new URL(url).host} did not give a token (${answer.status})`
  // Refused for what was sent, or not able to answer now: only the first says something about the token.
  const isRefused =
    answer.status < 500 && answer.status !== 429 && !/ratelimited|internal_error|fatal_error|unavailable/.test(text)
  throw isRefused ? new SendError('fatal', message, { trouble: 'token' }) : new SendError('unknown', message)
}

/** Asks a vendor with a fresh token what it is good for. @throws SendError when there is no such answer */
export async function askWith<T>(token: string, url: string, shape: z.ZodType<T>): Promise<T> {
  const answer = await fetch(url, {
    headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
    signal: AbortSignal.timeout(PATIENCE_MS),
    redirect: 'error',
  })
  const parsed = shape.safeParse(await answer.json().catch(() => undefined))
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
