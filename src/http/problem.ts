import type { FastifyReply, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import { messageOf, UserError } from '../core/errors.ts'
import type { HttpDeps } from './types.ts'

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not found',
  408: 'Too slow',
  409: 'Conflict',
  413: 'Too large',
  415: 'Unsupported media type',
  429: 'Too many requests',
  503: 'Unavailable',
}

/** Answers with an RFC 9457 problem. */
export function problem(reply: FastifyReply, status: number, code: string, detail: string): FastifyReply {
  const body = { type: `urn:muster:problem:${code}`, title: TITLES[status] ?? 'Internal error', status, detail }
  return reply.code(status).header('content-type', 'application/problem+json').serializer(JSON.stringify).send(body)
}

/** Whatever goes wrong in a route: the caller's fault is explained, ours is logged and not shown. */
export function problemHandler(deps: Pick<HttpDeps, 'log'>) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    if (hasZodFastifySchemaValidationErrors(error))
      return problem(
        reply,
        400,
        'invalid',
        error.validation.map((one) => `${one.instancePath || '/'}: ${one.message ?? 'invalid'}`).join('; '),
      )
    if (error instanceof UserError) return problem(reply, 400, error.code, error.message)
    const status =
      error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500
    if (status < 500)
      return problem(
        reply,
        status,
        status === 413 ? 'too_large' : 'invalid',
        status === 413 ? 'The body is larger than what is taken here.' : messageOf(error),
      )
    deps.log('error', 'a request failed', {
      method: request.method,
      url: request.url.split('?')[0],
      error: messageOf(error),
      stack: error instanceof Error ? error.stack : undefined,
    })
    return problem(
      reply,
      status === 503 ? 503 : 500,
      'internal',
      'Something went wrong here; the details are in the log.',
    )
  }
}
