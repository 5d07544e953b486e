import { messageOf } from '../../core/errors.ts'
import { statusOf } from './client.ts'

/** Where GitHub does not say for how long (limits.md: "wait at least one minute"). */
const PAUSE_MS = 60_000

/**
 * For how long GitHub asks to wait (https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api): primary
 * and secondary limits both answer 403 or 429.
 * @returns milliseconds; undefined where a failure is no limit
 */
export function askedToWait(error: unknown): number | undefined {
  const status = statusOf(error)
  return status === 429 || (status === 403 && isRateLimit(error)) ? waitOf(error) : undefined
}

function isRateLimit(error: unknown): boolean {
  return (
    /rate limit|abuse/i.test(messageOf(error)) ||
    headerOf(error, 'retry-after') !== undefined ||
    headerOf(error, 'x-ratelimit-remaining') === '0'
  )
}

function waitOf(error: unknown): number {
  const after = Number(headerOf(error, 'retry-after'))
  if (after > 0) return after * 1000
  const reset = Number(headerOf(error, 'x-ratelimit-reset'))
  return reset > 0 && headerOf(error, 'x-ratelimit-remaining') === '0'
    ? Math.max(1000, reset * 1000 - Date.now())
    : PAUSE_MS
}

function headerOf(error: unknown, name: string): string | undefined {
  if (
    !(error instanceof Error) ||
    !('response' in error) ||
    typeof error.response !== 'object' ||
    error.response === null ||
    !('headers' in error.response)
  )
    return undefined
  const { headers } = error.response
  const value =
    typeof headers === 'object' && headers !== null && name in headers ? Reflect.get(headers, name) : undefined
  return value === undefined ? undefined : String(value)
}
