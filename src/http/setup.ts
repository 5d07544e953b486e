import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { messageOf } from '../core/errors.ts'
import { isSameSecret } from '../core/hash.ts'
import { escape } from '../core/markup.ts'
import { html } from './page.ts'
import type { HttpDeps } from './types.ts'

/** What the set-up page needs. */
export interface SetupDeps extends Pick<HttpDeps, 'log'> {
  /** The app that is set up, undefined while there is none. */
  readonly app: () => { readonly slug?: string | undefined } | undefined
  readonly manifest: Record<string, unknown>
  readonly serverUrl: string
  readonly publicUrl: string
  /** Whoever sets Muster up needs this code, which stands in the log: else a stranger could register an app of theirs. Behind a proxy everybody seems to be on this machine. */
  readonly code: string
  readonly convert: (code: string) => Promise<void>
}

/** `/`: registers a GitHub App by the manifest flow, then tells the next step. */
export function setupRoutes(deps: SetupDeps): (app: FastifyInstance) => void {
  const states = new Set<string>()
  return (server) => {
    server.get('/', { schema: { hide: true } }, async (request, reply) => {
      const app = deps.app()
      if (app) return html(reply, donePage(deps, app))
      if (!mayEnter(request, deps.code))
        return html(
          reply.code(403),
          '<h1>Muster</h1><p>This server is not set up yet. Open the address with the set-up code that stands in its log.</p>',
        )
      const state = randomBytes(16).toString('hex')
      states.add(state)
      return html(reply, startPage(deps, state))
    })
    server.get('/setup/callback', { schema: { hide: true } }, async (request, reply) => {
      const { code, state } = queryOf(request)
      if (deps.app()) return reply.redirect('/')
      if (!code || !state || !states.delete(state))
        return html(
          reply.code(400),
          '<h1>That did not work</h1><p>This answer does not belong to a set-up that was begun here. <a href="/">Begin again.</a></p>',
        )
      try {
        await deps.convert(code)
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

function queryOf(request: FastifyRequest): {
  code: string | undefined
  state: string | undefined
  setup: string | undefined
} {
  const query = new URL(request.url, 'http://localhost').searchParams
  return {
    code: query.get('code') ?? undefined,
    state: query.get('state') ?? undefined,
    setup: query.get('setup') ?? undefined,
  }
}

function mayEnter(request: FastifyRequest, code: string): boolean {
  return isSameSecret(queryOf(request).setup ?? '', code)
}

function startPage({ serverUrl, manifest, publicUrl }: SetupDeps, state: string): string {
  const local = /^https?:\/\/(localhost|127\.|\[::1\])/.test(publicUrl)
  const warning = local
    ? `<p><strong>Mind:</strong> GitHub will send its webhooks to <code>${escape(publicUrl)}</code>, which it cannot reach. Set <code>MUSTER_PUBLIC_URL</code> to this server's public address and start again.</p>`
    : `<p class="muted">GitHub will send its webhooks to <code>${escape(publicUrl)}</code>.</p>`
  return `<h1>Set up Muster</h1><p>Step 1 of 2: register a GitHub App for your account. GitHub shows you its permissions first; the key it makes never leaves this server.</p>${warning}
<form action="${escape(serverUrl)}/settings/apps/new?state=${state}" method="post"><input type="hidden" name="manifest" value="${escape(JSON.stringify(manifest))}"><button>Register the GitHub App</button></form>
<p class="muted">For an organisation: register it there, then set APP_ID, PRIVATE_KEY and WEBHOOK_SECRET by hand (see docs/github.md).</p>`
}

function donePage({ publicUrl, serverUrl }: SetupDeps, app: { slug?: string | undefined }): string {
  const install = app.slug ? `${serverUrl}/apps/${app.slug}/installations/new` : undefined
  return `<h1>Muster</h1><p class="ok">The GitHub App is set up.</p><ol>${install ? `<li><a href="${escape(install)}">Install it</a> on the repositories it should work on.</li>` : '<li>Install the app on the repositories it should work on.</li>'}
<li>Set <code>ANTHROPIC_API_KEY</code> if it is not set yet, and run <code>npm run doctor</code>.</li><li>Put the label <code>muster</code> on an issue.</li></ol>
<p class="muted">API: <code>${escape(publicUrl)}/api/v1/openapi.json</code> · ready? <code>${escape(publicUrl)}/readyz</code></p>`
}
