import type { AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type Answer, ISSUE_ROUTES, PULL_ROUTES, type Route } from './api.ts'
import { ACTIONS_ROUTES, logRoutes } from './api-actions.ts'
import { WAITING_ROUTES } from './api-waiting.ts'
import { WORKFLOW_ROUTES } from './api-workflows.ts'
import { COMMENT_ROUTES } from './api-comments.ts'
import { OPENING_ROUTES } from './api-issues.ts'
import { REVIEW_ROUTES } from './api-reviews.ts'
import { APP_ROUTES, CHECK_ROUTES, DEPLOYMENT_ROUTES } from './api-ops.ts'
import { callerOf, Refusal, require } from './auth.ts'
import { attachmentRoutes } from './attachments.ts'
import { serveGit } from './git.ts'
import { batch, object } from './lfs.ts'
import { graphql } from './graphql.ts'
import { Hooks } from './hooks.ts'
import { loginRoutes } from './login.ts'
import { pageRoutes } from './page.ts'
import { branchesMoved } from './people.ts'
import { Shapes } from './shapes.ts'
import type { Repo, World } from './world.ts'

/** One call and its answer, for whoever checks them. */
export interface Exchange {
  readonly method: string
  /** The route as in GitHub's OpenAPI description. */
  readonly path: string
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  readonly requestBody: unknown
  readonly status: number
  readonly responseBody: unknown
}

export interface RehearsalGithub {
  readonly world: World
  readonly hooks: Hooks
  readonly url: string
  close(): Promise<void>
}

const ROUTES: readonly Route[] = [
  ...COMMENT_ROUTES,
  ...OPENING_ROUTES,
  ...ISSUE_ROUTES,
  ...PULL_ROUTES,
  ...REVIEW_ROUTES,
  ...CHECK_ROUTES,
  ...ACTIONS_ROUTES,
  ...WORKFLOW_ROUTES,
  ...WAITING_ROUTES,
  ...DEPLOYMENT_ROUTES,
  ...APP_ROUTES,
]

/** Starts the rehearsal's GitHub on this machine: REST, GraphQL, git, webhooks, and a page to look at. */
export async function startGithub(
  world: World,
  options: { port?: number; onExchange?: (exchange: Exchange) => void } = {},
): Promise<RehearsalGithub> {
  const hooks = new Hooks(world)
  const app = Fastify({ logger: false, bodyLimit: 30_000_000 })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) =>
    done(null, body === '' ? undefined : JSON.parse(String(body))),
  )
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof Refusal) return reply.code(error.status).send(error.body)
    return reply.code(500).send({ message: error instanceof Error ? error.message : String(error) })
  })
  for (const route of ROUTES) addRoute(app, world, hooks, route, options.onExchange)
  app.post('/api/graphql', async (request) =>
    graphql(world, hooks, callerOf(world, request.headers.authorization), request.body),
  )
  await app.register(async (scope) => gitRoutes(scope, world, hooks))
  attachmentRoutes(app, world)
  loginRoutes(app, world)
  pageRoutes(app, world)
  logRoutes(app, world)
  await app.listen({ port: options.port ?? 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  world.url = `http://127.0.0.1:${port}`
  return { world, hooks, url: world.url, close: () => app.close() }
}

function addRoute(
  app: FastifyInstance,
  world: World,
  hooks: Hooks,
  route: Route,
  onExchange: ((exchange: Exchange) => void) | undefined,
): void {
  // A file's path may have slashes: there it takes the rest of the URL.
  const url = `/api/v3${route.path.replace('{path}', '*').replace(/\{(\w+)\}/g, ':$1')}`
  app.route({
    method: route.method,
    url,
    async handler(request, reply) {
      const { '*': rest, ...named } = request.params as Record<string, string>
      const params = rest === undefined ? named : { ...named, path: decodeURIComponent(rest) }
      const query = new URL(request.url, 'http://localhost').searchParams
      const answer = await answerOf(() =>
        route.handle({
          world,
          hooks,
          shapes: new Shapes(world),
          caller: callerOf(world, request.headers.authorization),
          accept: request.headers.accept ?? '',
          params,
          query,
          url: request.url,
          body: request.body,
        }),
      )
      onExchange?.({
        method: route.method,
        path: route.path,
        params,
        query: Object.fromEntries(query),
        requestBody: request.body,
        status: answer.status,
        responseBody: answer.body,
      })
      return reply
        .code(answer.status)
        .headers({ ...answer.headers })
        .send(answer.body)
    },
  })
}

async function answerOf(action: () => Promise<Answer> | Answer): Promise<Answer> {
  try {
    return await action()
  } catch (error) {
    if (error instanceof Refusal) return { status: error.status, body: error.body }
    throw error
  }
}

const bodies = new WeakMap<FastifyRequest, Promise<string>>()

/** The body of a request, which is read once. */
function bodyOf(request: FastifyRequest): Promise<string> {
  const known = bodies.get(request) ?? text(request.raw)
  bodies.set(request, known)
  return known
}

/** The storage of large files: whoever has a signed address needs no token. */
async function stored(world: World, repo: Repo, oid: string, request: FastifyRequest, reply: FastifyReply) {
  const { signed } = request.query as { signed?: string }
  if (signed !== world.lfsSignature || request.headers.authorization) return reply.code(403).send('')
  const found = object(repo.dir, oid, request.method === 'PUT' ? await buffer(request.raw) : undefined)
  return typeof found === 'number' ? reply.code(found).send('') : reply.type('application/octet-stream').send(found)
}

/** Clone, fetch and push, for tokens that may. */
function gitRoutes(app: FastifyInstance, world: World, hooks: Hooks): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  const handler = async (request: FastifyRequest, reply: FastifyReply) => {
    const { owner = '', name = '', '*': rest = '' } = request.params as Record<string, string>
    const repo = world.repos.find((one) => one.owner.login === owner && `${one.name}.git` === name)
    if (!repo) throw new Refusal(404, 'Not Found')
    const signed = /^lfs\/([0-9a-f]{64})$/.exec(rest)?.[1]
    if (signed !== undefined) return stored(world, repo, signed, request, reply)
    const write =
      request.url.includes('git-receive-pack') ||
      (rest.startsWith('info/lfs/') && (await bodyOf(request)).includes('"upload"'))
    if (!request.headers.authorization) {
      return reply.code(401).header('www-authenticate', 'Basic realm="GitHub"').send('')
    }
    require(callerOf(world, request.headers.authorization), ['contents'], write ? 'write' : 'read', repo.id)
    if (rest === 'info/lfs/objects/batch') {
      const { status, body } = batch(
        repo.dir,
        `${world.url}/${owner}/${name}/lfs`,
        world.lfsSignature,
        await bodyOf(request),
      )
      return reply.code(status).header('content-type', 'application/vnd.git-lfs+json').send(JSON.stringify(body))
    }
    reply.hijack()
    await serveGit(dirname(repo.dir), `/${repo.name}.git/${rest}`, request.raw, reply.raw)
    if (write && request.method === 'POST') await branchesMoved(world, hooks, repo, world.bot)
    return reply
  }
  app.get('/:owner/:name/*', { constraints: {} }, handler)
  app.post('/:owner/:name/*', handler)
  app.put('/:owner/:name/*', handler)
}
