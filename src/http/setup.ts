import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { messageOf } from '../core/errors.ts'
import { isSameSecret } from '../core/hash.ts'
import { isLocalUrl } from '../core/hosts.ts'
import { forms, html } from './page.ts'
import { donePage, type RunningFacts, startPage } from './setup.pages.ts'
import type { HttpDeps } from './types.ts'

/** What the set-up page needs. */
export interface SetupDeps extends Pick<HttpDeps, 'log'> {
  /** The app that is set up, undefined while there is none. */
  readonly app: () => { readonly slug?: string | undefined } | undefined
  /** @param hookUrl where webhooks are sent, if not here */
  readonly manifest: (hookUrl: string | undefined) => Record<string, unknown>
  readonly serverUrl: string
  readonly publicUrl: string
  /** Whoever sets Muster up needs this code, which stands in the log: else a stranger could register an app of theirs. Behind a proxy everybody seems to be on this machine. */
  readonly code: string
  readonly convert: (code: string, proxy: string | undefined) => Promise<void>
  /** The channel that the operator set. */
  readonly proxy: string | undefined
  /** Opens a channel over which webhooks come to a server that GitHub cannot reach. @throws Error where there is none */
  readonly openProxy: () => Promise<string>
  readonly running: () => Promise<RunningFacts>
}

/** An account's name on GitHub. */
const ORGANIZATION = /^[a-z\d](?:[a-z\d-]{0,37}[a-z\d])?$/i

/** `/`: registers a GitHub App by the manifest flow, has it installed, and says what runs. */
export function setupRoutes(deps: SetupDeps): (app: FastifyInstance) => void {
  const states = new Set<string>()
  let { proxy } = deps
  let opening: Promise<string> | undefined
  const start = (reply: FastifyReply, organization: string | undefined, problem?: string) => {
    const state = randomBytes(16).toString('hex')
    states.add(state)
    const { serverUrl, publicUrl, code } = deps
    const page = { serverUrl, publicUrl, code, state, organization, proxy, manifest: deps.manifest(proxy), problem }
    return html(reply, startPage(page))
  }
  return (server) => {
    forms(server)
    server.get('/', { schema: { hide: true } }, async (request, reply) => {
      const app = deps.app()
      if (app) return html(reply, donePage(await deps.running(), installUrl(deps, app), deps.publicUrl))
      if (!mayEnter(request, deps.code)) return refused(reply)
      const organization = queryOf(request, 'organization')?.trim()
      if (organization === undefined || ORGANIZATION.test(organization)) return start(reply, organization)
      return start(
        reply.code(400),
        undefined,
        `“${organization.slice(0, 60)}” is no name of an organisation on GitHub.`,
      )
    })
    server.post('/setup/proxy', { schema: { hide: true } }, async (request, reply) => {
      if (deps.app()) return reply.redirect('/')
      if (!mayEnter(request, deps.code)) return refused(reply)
      if (!isLocalUrl(deps.publicUrl)) return start(reply.code(400), undefined, 'GitHub reaches this server by itself.')
      try {
        // Twice is once: the channel that is shown is the one that is kept.
        proxy ??= await (opening ??= deps.openProxy())
        return reply.redirect(`/?setup=${encodeURIComponent(deps.code)}`)
      } catch (error) {
        opening = undefined
        deps.log('error', 'no webhook proxy could be had', { error: messageOf(error) })
        return start(
          reply.code(502),
          undefined,
          'The webhook proxy does not answer. Try again, or set MUSTER_PUBLIC_URL.',
        )
      }
    })
    server.get('/setup/callback', { schema: { hide: true } }, async (request, reply) => {
      const [code, state] = [queryOf(request, 'code'), queryOf(request, 'state')]
      if (deps.app()) return reply.redirect('/')
      if (!code || !state || !states.delete(state))
        return html(
          reply.code(400),
          '<h1>That did not work</h1><p>This answer does not belong to a set-up that was begun here. <a href="/">Begin again.</a></p>',
        )
      try {
        await deps.convert(code, proxy)
        return reply.redirect('/')
      } catch (error) {
        deps.log('error', 'the app could not be registered', { error: messageOf(error) })
        return html(
          reply.code(502),
          '<h1>That did not work</h1><p>GitHub did not hand over the new app. The code is good for one hour and one use. <a href="/">Begin again.</a></p>',
        )
      }
    })
  }
}

function refused(reply: FastifyReply): FastifyReply {
  return html(
    reply.code(403),
    '<h1>Muster</h1><p>This server is not set up yet. Open the address with the set-up code that stands in its log.</p>',
  )
}

function queryOf(request: FastifyRequest, name: string): string | undefined {
  return new URL(request.url, 'http://localhost').searchParams.get(name) ?? undefined
}

function mayEnter(request: FastifyRequest, code: string): boolean {
  return isSameSecret(queryOf(request, 'setup') ?? '', code)
}

function installUrl({ serverUrl }: SetupDeps, { slug }: { slug?: string | undefined }): string | undefined {
  return slug ? `${serverUrl}/apps/${slug}/installations/new` : undefined
}
