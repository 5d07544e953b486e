import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { messageOf } from '../core/errors.ts'
import { type ChannelName, channelNamed, titleOf } from '../core/said.ts'
import type { Installed } from '../installs/types.ts'
import { begin, browserOf, isSigned, partOf, signatureOf } from './consent.ts'
import { escape } from '../core/markup.ts'
import { forms, html } from './page.ts'
import type { HttpDeps } from './types.ts'

/** What installing into workspaces and sites needs. */
export interface InstallDeps extends Pick<HttpDeps, 'log'> {
  readonly publicUrl: string
  /** Signs what leads here; the operator's own secret. Undefined: no app is set up for installing. */
  readonly secretKey: string | undefined
  /** Where the vendor asks for consent; undefined: not set up. */
  readonly authorizeUrl: (channel: ChannelName, state: string, redirectUri: string) => string | undefined
  readonly connect: (channel: ChannelName, code: string, redirectUri: string) => Promise<readonly Installed[]>
  /** Uses up an invitation. @returns false when it was used before */
  readonly useOnce: (nonce: string) => Promise<boolean>
  readonly now: () => number
}

const MINUTES = 30
const BEGUN = { cookie: 'muster_install', path: '/install', minutes: MINUTES } as const

/** An address by which somebody may install once, within half an hour. Whoever holds the API token makes them. */
export function invitationFor(channel: ChannelName, secretKey: string, now: number): string {
  const body = `${channel}.${now + MINUTES * 60_000}.${randomBytes(18).toString('base64url')}`
  return `${body}.${signatureOf(secretKey, `invitation ${body}`)}`
}

/**
 * Installing with the vendor's consent (OAuth 2.0, authorization code): `/install/<invitation>` says what will happen; then the
 * vendor asks. Its answer counts only in the browser in which it was begun (the cookie), and once.
 */
export function installRoutes(deps: InstallDeps): (app: FastifyInstance) => void {
  const callback = `${deps.publicUrl}/install/callback`
  return (app) => {
    app.get('/install/callback', { schema: { hide: true } }, (request, reply) => finish(deps, callback, request, reply))
    app.get('/install/:invitation', { schema: { hide: true } }, async (request, reply) => {
      const invited = readInvitation(deps, partOf(request, 'invitation'))
      return invited ? html(reply, ask(invited.channel, partOf(request, 'invitation'))) : html(reply.code(404), GONE)
    })
    forms(app).post('/install/:invitation/go', { schema: { hide: true } }, async (request, reply) => {
      const invitation = partOf(request, 'invitation')
      const invited = readInvitation(deps, invitation)
      const browser = invited && begin(reply, { ...BEGUN, publicUrl: deps.publicUrl })
      const url =
        browser && deps.authorizeUrl(invited.channel, `${invitation}~${signatureOf(browser, invitation)}`, callback)
      if (!url) return html(reply.code(404), GONE)
      return reply.redirect(url, 303)
    })
  }
}

function readInvitation({ secretKey, now }: InstallDeps, invitation: string) {
  const [name, until, nonce, signature] = invitation.split('.')
  const channel = channelNamed(name)
  if (!secretKey || !channel || !until || !nonce || !signature) return undefined
  if (!isSigned(secretKey, `invitation ${channel}.${until}.${nonce}`, signature)) return undefined
  return Number(until) > now() ? ({ channel, nonce } as const) : undefined
}

async function finish(
  deps: InstallDeps,
  callback: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const query = new URL(request.url, 'http://localhost').searchParams
  const [invitation = '', bound = ''] = (query.get('state') ?? '').split('~')
  const browser = browserOf(request, BEGUN.cookie)
  const invited = readInvitation(deps, invitation)
  const code = query.get('code')
  if (!invited || !code || !browser || !isSigned(browser, invitation, bound)) return html(reply.code(400), BROKEN)
  if (!(await deps.useOnce(invited.nonce))) return html(reply.code(404), GONE)
  const { channel } = invited
  try {
    const found = await deps.connect(channel, code, callback)
    deps.log('info', 'an app was installed', { channel, accounts: found.map(({ account }) => account).join(', ') })
    return html(reply, done(channel, found))
  } catch (error) {
    deps.log('warn', 'an installation did not work', { channel, error: messageOf(error) })
    return html(reply.code(502), BROKEN)
  }
}

function ask(channel: ChannelName, invitation: string): string {
  return `<h1>Install Muster into ${titleOf(channel)}</h1><p>${titleOf(channel)} asks you next for its consent. Afterwards Muster reads what people say to it there, and answers. Its tokens are kept encrypted on this server.</p>
<form action="/install/${escape(invitation)}/go" method="post"><button>Go on to ${titleOf(channel)}</button></form>`
}

function done(channel: ChannelName, found: readonly Installed[]): string {
  const list = found
    .map(({ name, account }) => `<li><strong>${escape(name)}</strong> <code>${escape(account)}</code></li>`)
    .join('')
  return `<h1>Installed</h1><p class="ok">Muster is connected to ${titleOf(channel)}:</p><ul>${list}</ul><p><code>muster install remove ${channel} &lt;account&gt;</code> takes it back.</p>`
}

const GONE = `<h1>This invitation is used up</h1><p>It is good once, and for ${MINUTES} minutes. <code>muster install add</code> makes a new one.</p>`
const BROKEN =
  '<h1>That did not work</h1><p>This answer does not belong to an installation that was begun in this browser, or it was refused. Ask for a new invitation, and try again.</p>'
