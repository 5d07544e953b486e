import type { FastifyInstance } from 'fastify'
import type { HttpDeps } from './types.ts'

/** `/healthz`: the process is alive. `/readyz`: it can work. */
export function healthRoutes(app: FastifyInstance, deps: HttpDeps): void {
  app.get('/healthz', { schema: { hide: true } }, async () => ({ ok: true, version: deps.version }))
  app.get('/readyz', { schema: { hide: true } }, async (_request, reply) => {
    const checks = await deps.readiness()
    const ok = checks.every((check) => check.ok || !check.required)
    return reply
      .code(ok ? 200 : 503)
      .send({ ok, checks: checks.map(({ name, ok: fine, detail }) => ({ name, ok: fine, detail })) })
  })
}
