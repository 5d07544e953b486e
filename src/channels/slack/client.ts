import { ErrorCode, LogLevel, WebClient } from '@slack/web-api'
import { messageOf } from '../../core/errors.ts'
import { SendError } from '../types.ts'

/** Slack's Web API for one workspace. Nothing is tried again in here: that is the outbox's business. */
export function slackClient({ botToken, apiUrl }: { readonly botToken: string; readonly apiUrl: string }): WebClient {
  return new WebClient(botToken, {
    slackApiUrl: `${apiUrl}/`,
    allowAbsoluteUrls: false,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    timeout: 20_000,
    logLevel: LogLevel.ERROR,
  })
}

/** What Slack has done though it answers with an error, or will never do (https://docs.slack.dev/reference/methods). */
const SHORTLY = new Set([
  'internal_error',
  'fatal_error',
  'request_timeout',
  'service_unavailable',
  'team_added_to_org',
])
const REVOKED = new Set([
  'invalid_auth',
  'account_inactive',
  'token_revoked',
  'token_expired',
  'not_authed',
  'missing_scope',
])
/** The thread or the channel is gone, or closed to us. */
const GONE = new Set(['channel_not_found', 'is_archived', 'not_in_channel', 'thread_not_found'])

/** Muster is not in a conversation: it is told so of public channels, nothing of private ones, and of groups that it lacks a scope. */
export function isClosed(error: unknown): boolean {
  return ['not_in_channel', 'channel_not_found', 'missing_scope'].includes(nameOf(error))
}

/** What a failed call means. */
export function classify(error: unknown): SendError {
  if (error instanceof SendError) return error
  if (!(error instanceof Error) || !('code' in error))
    return new SendError('unknown', messageOf(error), { cause: error })
  if (error.code === ErrorCode.RateLimitedError) {
    const seconds = 'retryAfter' in error ? Number(error.retryAfter) : 60
    return new SendError('retry', 'Slack asks to wait', { cause: error, retryAfterMs: Math.max(1, seconds) * 1000 })
  }
  if (error.code === ErrorCode.PlatformError) return refused(nameOf(error), error)
  const status = error.code === ErrorCode.HTTPError && 'statusCode' in error ? Number(error.statusCode) : 500
  // Without an answer, or with a server's error, nobody knows.
  return status >= 500
    ? new SendError('unknown', `Slack did not answer (${messageOf(error).slice(0, 200)})`, { cause: error })
    : new SendError('fatal', `Slack answered ${status}`, { cause: error })
}

function refused(name: string, cause: Error): SendError {
  if (name === 'ratelimited') return new SendError('retry', 'Slack asks to wait', { cause, retryAfterMs: 60_000 })
  if (SHORTLY.has(name)) return new SendError('unknown', `Slack: ${name}`, { cause })
  if (GONE.has(name))
    return new SendError('fatal', `Slack: the thread or the channel is gone or closed (${name})`, {
      cause,
      trouble: 'gone',
    })
  if (REVOKED.has(name))
    return new SendError('fatal', `Slack does not accept the token (${name}): check SLACK_BOT_TOKEN and its scopes`, {
      cause,
      ...(name === 'missing_scope' ? {} : { trouble: 'token' as const }),
    })
  return new SendError('fatal', `Slack refused: ${name}`, { cause })
}

/** Slack's own word for what went wrong. */
export function nameOf(error: unknown): string {
  if (!(error instanceof Error) || !('data' in error)) return ''
  const { data } = error
  return typeof data === 'object' && data !== null && 'error' in data ? String(data.error) : ''
}
