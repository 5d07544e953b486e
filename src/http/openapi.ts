import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { jsonSchemaTransformObject } from 'fastify-type-provider-zod'

type TransformObject = NonNullable<FastifyDynamicSwaggerOptions['transformObject']>

interface Operation {
  operationId?: string
  requestBody?: unknown
  responses: Record<string, unknown>
}

const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const
const PROBLEM = {
  description: 'What was wrong, and what to do (RFC 9457).',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}

/** The description of the API says what the wire says: problems in their own form, a name for every operation, and each status that may come. */
export const describeApi: TransformObject = (input) => {
  const document = jsonSchemaTransformObject(input)
  if (!('paths' in document)) return document
  for (const [path, item] of Object.entries(document.paths ?? {}))
    for (const method of METHODS) {
      const operation = operationIn(item, method)
      if (!operation) continue
      operation.operationId ??= nameOf(method, path)
      operation.responses = { ...operation.responses, ...problemsOf(method, operation) }
    }
  return document
}

/** The one look into the document, whose types are looser than what is written there. */
function operationIn(item: unknown, method: (typeof METHODS)[number]): Operation | undefined {
  const found: unknown = typeof item === 'object' && item !== null ? Reflect.get(item, method) : undefined
  return isOperation(found) ? found : undefined
}

function isOperation(value: unknown): value is Operation {
  return typeof value === 'object' && value !== null && 'responses' in value
}

/** Anybody may be turned away, ask for nonsense, or meet a server that is closing; pages of other origins change nothing. */
function problemsOf(method: string, { responses, requestBody }: Operation): Record<string, typeof PROBLEM> {
  const declared = Object.keys(responses).filter((status) => Number(status) >= 400)
  const changes = method === 'get' ? [] : ['403']
  const body = requestBody === undefined ? [] : ['413', '415']
  return Object.fromEntries([...declared, ...changes, ...body, '500', '503'].map((status) => [status, PROBLEM]))
}

/** `GET /api/v1/tasks/{id}/events` is `getTasksByIdEvents`. */
function nameOf(method: string, path: string): string {
  const parts = path
    .replace(/^\/api\/v1/, '')
    .split('/')
    .filter(Boolean)
  const words = parts.map((part) => (part.startsWith('{') ? `By${capital(part.slice(1, -1))}` : capital(part)))
  return `${method}${words.join('')}`
}

function capital(word: string): string {
  return word
    .split(/\W+/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('')
}
