import { RestRefusal, type RestExchange, type RestFault, serveRest } from '../rest.ts'
import { JIRA_ROUTES } from './api.ts'
import { pageRoutes } from './page.ts'
import { JiraPeople } from './people.ts'
import type { JiraWorld } from './world.ts'

export interface RehearsalJira {
  readonly world: JiraWorld
  readonly people: JiraPeople
  readonly url: string
  fault: (method: string, path: string) => RestFault
  close(): Promise<void>
}

/** Starts the rehearsal's Jira on this machine: its REST API with its sizes and limits, and a page to look at. */
export async function startJira(
  world: JiraWorld,
  options: { onExchange?: (exchange: RestExchange) => void; port?: number } = {},
): Promise<RehearsalJira> {
  const jira: { fault: RehearsalJira['fault'] } = { fault: () => undefined }
  const wanted = `Basic ${Buffer.from(`${world.bot.emailAddress}:${world.token}`).toString('base64')}`
  const { url, close } = await serveRest({
    world,
    prefix: '',
    // Atlassian's gateway, for installed apps.
    alsoAt: [`/ex/jira/${world.cloudId}`],
    routes: JIRA_ROUTES,
    authorize(authorization) {
      const token = authorization?.replace(/^Bearer /, '') ?? ''
      if (authorization !== wanted && !world.consent.tokens.has(token))
        throw new RestRefusal(401, { errorMessages: ['Client must be authenticated.'], errors: {} })
    },
    limited: () =>
      new RestRefusal(429, { errorMessages: ['Rate limit exceeded.'], errors: {} }, { 'retry-after': '1' }),
    fault: (method, path) => jira.fault(method, path),
    onExchange: options.onExchange,
    port: options.port,
    pages(app) {
      pageRoutes(app, world)
      world.consent.page(app, '/authorize')
      app.post('/oauth/token', async (request, reply) => {
        const granted = world.consent.grant(request.body as Record<string, unknown>)
        return granted ?? reply.code(403).send({ error: 'invalid_grant' })
      })
      app.get('/oauth/token/accessible-resources', async () => [
        { id: world.cloudId, name: 'acme', url: world.url, scopes: [], avatarUrl: '' },
      ])
    },
  })
  world.url = url
  return Object.assign(jira, { world, people: new JiraPeople(world), url, close })
}
