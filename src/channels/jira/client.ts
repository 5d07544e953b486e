import {
  type CloudClient,
  createCloudClient,
  isApiError,
  isAuthError,
  isForbiddenError,
  isNotFoundError,
  isRateLimitError,
} from 'jira.js'
import { messageOf } from '../../core/errors.ts'
import { SendError } from '../types.ts'

export type JiraClient = CloudClient

export interface JiraAccess {
  readonly host: string
  readonly email: string
  readonly apiToken: string
}

/** How long an answer is waited for: the library itself waits as long as the connection lives. */
const PATIENCE_MS = 20_000
/** Jira asks to wait without saying how long. */
const PAUSE_MS = 60_000

/** Jira Cloud's REST API (v3) for one site. Nothing is tried again in here: that is the outbox's business. */
export function jiraClient({ host, email, apiToken }: JiraAccess): JiraClient {
  return createCloudClient({ host, auth: { type: 'basic', email, apiToken }, onSchemaMismatch: 'silent' })
}

/** The same through Atlassian's gateway, for an app that was installed. @param token asked for each request */
export function jiraBearer(host: string, token: () => Promise<string>): JiraClient {
  return createCloudClient({ host, auth: { type: 'bearer', getToken: token }, onSchemaMismatch: 'silent' })
}

/** A call that ends, and whose failure says what it means. @throws SendError */
export async function asking<T>(call: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new SendError('unknown', 'Jira did not answer in time')), PATIENCE_MS)
    timer.unref()
  })
  try {
    return await Promise.race([call(), late])
  } catch (error) {
    throw classify(error)
  } finally {
    clearTimeout(timer)
  }
}

/** What a failed call means. */
export function classify(error: unknown): SendError {
  if (error instanceof SendError) return error
  if (isRateLimitError(error))
    return new SendError('retry', 'Jira asks to wait', { cause: error, retryAfterMs: error.retryAfterMs ?? PAUSE_MS })
  if (isAuthError(error))
    return new SendError('fatal', 'Jira does not accept the token: check JIRA_EMAIL and JIRA_API_TOKEN', {
      cause: error,
      trouble: 'token',
    })
  if (isNotFoundError(error))
    return new SendError('fatal', 'Jira: the ticket is gone, or hidden from Muster', { cause: error, trouble: 'gone' })
  if (isForbiddenError(error))
    return new SendError('fatal', `Jira does not permit it: ${detailOf(error.body)}`, { cause: error })
  if (isApiError(error))
    return error.status >= 500
      ? new SendError('unknown', `Jira answered ${error.status}`, { cause: error })
      : new SendError('fatal', `Jira answered ${error.status}: ${detailOf(error.body)}`, { cause: error })
  return new SendError('unknown', messageOf(error), { cause: error })
}

/** Jira's own words for what was wrong. */
function detailOf(body: unknown): string {
  return (typeof body === 'string' ? body : JSON.stringify(body ?? '')).slice(0, 300)
}
