import type { FastifyInstance, FastifyReply } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { channelNames } from '../core/said.ts'
import { problem } from './problem.ts'

/** What the routes of the API share. */

export const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().max(500).optional(),
})
export const page = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), next: z.string().nullable() })
const Problem = z
  .object({ type: z.string(), title: z.string(), status: z.number(), detail: z.string() })
  .meta({ id: 'Problem' })
/** The name of a channel that is there. */
export const channelParam = () => z.enum(channelNames())
export const IdParam = z.object({ id: z.string().max(200) })
export const errors = { 400: Problem, 401: Problem, 404: Problem }

export type Api = FastifyInstance<
  import('fastify').RawServerDefault,
  import('node:http').IncomingMessage,
  import('node:http').ServerResponse,
  import('fastify').FastifyBaseLogger,
  ZodTypeProvider
>

export function notFound(reply: FastifyReply, what = 'task'): FastifyReply {
  return problem(reply, 404, 'not_found', `There is no such ${what}.`)
}
