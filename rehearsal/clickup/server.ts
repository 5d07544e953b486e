import { RestRefusal, type RestExchange, type RestFault, serveRest } from '../rest.ts'
import { CLICKUP_ROUTES } from './api.ts'
import { pageRoutes } from './page.ts'
import { ClickupPeople } from './people.ts'
import type { ClickupWorld } from './world.ts'

export interface RehearsalClickup {
  readonly world: ClickupWorld
  readonly people: ClickupPeople
  readonly url: string
  fault: (method: string, path: string) => RestFault
  close(): Promise<void>
}

/** Requests a minute and token (limits.md). */
const PER_MINUTE = 100

/** Starts the rehearsal's ClickUp on this machine: its API with its limit, and a page to look at. */
export async function startClickup(
  world: ClickupWorld,
  options: { onExchange?: (exchange: RestExchange) => void; port?: number } = {},
): Promise<RehearsalClickup> {
  const clickup: { fault: RehearsalClickup['fault'] } = { fault: () => undefined }
  let recent: number[] = []
  /** @param until when calls are taken again (ms) */
  const limited = (until: number) =>
    new RestRefusal(
      429,
      { err: 'Rate limit reached', ECODE: 'APP_002' },
      { 'x-ratelimit-reset': String(Math.ceil(until / 1000)) },
    )
  const { url, close } = await serveRest({
    world,
    prefix: '/api/v2',
    routes: CLICKUP_ROUTES,
    authorize(authorization) {
      if (authorization !== world.token && !world.consent.tokens.has(authorization?.replace(/^Bearer /, '') ?? ''))
        throw new RestRefusal(401, { err: 'Token invalid', ECODE: 'OAUTH_025' })
      recent = recent.filter((at) => at > Date.now() - 60_000)
      if (recent.length >= PER_MINUTE) throw limited((recent[0] ?? 0) + 60_000)
      recent.push(Date.now())
    },
    limited: () => limited(Date.now() + 2000),
    fault: (method, path) => clickup.fault(method, path),
    onExchange: options.onExchange,
    port: options.port,
    pages(app) {
      pageRoutes(app, world)
      world.consent.page(app, '/oauth')
      app.post('/api/v2/oauth/token', async (request, reply) => {
        const query = Object.fromEntries(new URL(request.url, 'http://localhost').searchParams)
        return world.consent.grant(query) ?? reply.code(401).send({ err: 'Code invalid', ECODE: 'OAUTH_014' })
      })
    },
  })
  world.url = url
  return Object.assign(clickup, { world, people: new ClickupPeople(world), url, close })
}
