import type { FastifyReply, FastifyRequest } from 'fastify'
import { problem } from './problem.ts'

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * A page of somebody else's must not change anything here in its visitor's name: browsers say where a request comes from.
 * Programs say nothing, and pass.
 */
export function refuseForeignOrigin(publicUrl: string) {
  const own = new URL(publicUrl).origin
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const { origin } = request.headers
    if (SAFE.has(request.method) || origin === undefined || origin === own) return undefined
    return problem(reply, 403, 'foreign_origin', 'This request comes from a page that is not of this server.')
  }
}
