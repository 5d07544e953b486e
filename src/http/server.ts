import fastifySwagger from '@fastify/swagger'
import Fastify, { type FastifyInstance } from 'fastify'
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod'
import { apiRoutes } from './api.ts'
import { healthRoutes } from './health.ts'
import { describeApi } from './openapi.ts'
import { refuseForeignOrigin } from './origin.ts'
import { problem, problemHandler } from './problem.ts'
import type { HttpDeps } from './types.ts'
import { webhookRoutes } from './webhooks.ts'

/** Adds routes of its own, such as the set-up page. */
export type Extension = (app: FastifyInstance) => void

/** The one HTTP server: webhooks, API, health. */
export async function buildServer(deps: HttpDeps, extensions: readonly Extension[]): Promise<FastifyInstance> {
  const app = Fastify({
    logger: false,
    bodyLimit: 1024 * 1024,
    routerOptions: { ignoreTrailingSlash: true },
    return503OnClosing: true,
    forceCloseConnections: 'idle',
    requestTimeout: 60_000,
  })
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.addHook('onRequest', refuseForeignOrigin(deps.publicUrl))
  app.setErrorHandler(problemHandler(deps))
  app.setNotFoundHandler((request, reply) =>
    problem(reply, 404, 'not_found', `There is nothing at ${request.method} ${request.url.split('?')[0] ?? ''}.`),
  )
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Muster',
        description: 'Tasks, their history, and what became of every event.',
        version: deps.version,
      },
      security: [{ token: [] }],
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    },
    transform: jsonSchemaTransform,
    transformObject: describeApi,
  })
  healthRoutes(app, deps)
  await app.register(async (scope) => webhookRoutes(scope, deps))
  await app.register(async (scope) => apiRoutes(scope.withTypeProvider<ZodTypeProvider>(), deps), { prefix: '/api/v1' })
  for (const extend of extensions) extend(app)
  return app
}
