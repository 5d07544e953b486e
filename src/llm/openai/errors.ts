import OpenAI from 'openai'
import { UNREACHED } from '../http.ts'
import { ModelError } from '../types.ts'
import type { Service } from './module.ts'

/** Codes of an account that may spend no more: to ask again changes nothing (OpenAI's guide to error codes). */
const NO_CREDIT = /insufficient_quota|credit_balance|billing|spend(?:ing)?_limit/i

/** Decides by the code first, then by the status: exhausted credit comes as 429, as what passes does. */
export function modelError(error: unknown, { variables }: Service): ModelError {
  if (error instanceof ModelError) return error
  if (!(error instanceof OpenAI.APIError)) return new ModelError('busy', UNREACHED, { cause: error })
  const { status, headers, code, type, message } = error
  if (status === 401 || status === 403)
    return new ModelError('key', 'the model provider does not accept the key', {
      cause: error,
      hint: `The operator should check \`${variables.key}\` (and \`${variables.url}\`), then \`retry\`.`,
    })
  if (NO_CREDIT.test(`${code ?? ''} ${type ?? ''} ${message}`))
    return new ModelError('credit', "the model provider's spending limit is reached", { cause: error })
  if (status === undefined || status === 408 || status === 409 || status === 429 || status >= 500)
    return new ModelError('busy', status === undefined ? UNREACHED : 'the model provider is overloaded', {
      cause: error,
      retryAfterMs: waitOf(headers),
    })
  return new ModelError('request', `the model provider refused the request (${status})`, {
    cause: error,
    ...(status === 404
      ? {
          hint: `Is there such a model? The operator should check \`MUSTER_MODELS\` and \`${variables.url}\`, then \`retry\`.`,
        }
      : {}),
  })
}

function waitOf(headers: Headers | undefined): number | undefined {
  const [ms, seconds] = [Number(headers?.get('retry-after-ms')), Number(headers?.get('retry-after'))]
  if (ms > 0) return ms
  return seconds > 0 ? seconds * 1000 : undefined
}

/** An answer that is none, or that ends in the middle: whatever stands between us and the service may have done that. */
export function unreadable(cause: unknown): ModelError {
  return new ModelError('busy', 'the model provider gave an answer that cannot be read', { cause })
}

/** The input of a call as the model wrote it; what is no JSON goes to the tool as it is, which says so. */
export function inputOf(text: string): unknown {
  try {
    return JSON.parse(text === '' ? '{}' : text)
  } catch {
    return text
  }
}
