import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { messageOf } from '../core/errors.ts'
import { titleOf } from '../core/said.ts'
import type { Person } from '../core/task/types.ts'
import type { PeopleStore, Who } from '../people/types.ts'
import { begin, browserOf, isSigned, partOf, signatureOf } from './consent.ts'
import { escape } from '../core/markup.ts'
import { forms, html } from './page.ts'
import type { HttpDeps } from './types.ts'

/** What signing in with GitHub needs. */
export interface LinkDeps extends Pick<HttpDeps, 'log' | 'onArrival'> {
  readonly people: Pick<PeopleStore, 'peek' | 'take' | 'link' | 'setEmails' | 'resume'>
  readonly publicUrl: string
  /** Undefined while the app's client id and secret are not known. */
  readonly signIn: () => SignIn | undefined
}

interface SignIn {
  authorizeUrl(state: string, verifier: string, redirectUri: string): string
  whoSigned(code: string, verifier: string, redirectUri: string): Promise<{ person: Person; emails: readonly string[] }>
}

const MINUTES = 15
const BEGUN = { cookie: 'muster_link', path: '/link', minutes: MINUTES } as const

/**
 * Shows which GitHub account is somebody's, by their signing in: `/link/<code>` says whose account it is about and asks;
 * only then GitHub is asked who they are. The code is used up by the answer, not by being looked at (programs look at links too).
 * The cookie ties the answer to the browser in which it was begun.
 */
export function linkRoutes(deps: LinkDeps): (app: FastifyInstance) => void {
  const callback = `${deps.publicUrl}/link/callback`
  return (app) => {
    app.get('/link/callback', { schema: { hide: true } }, async (request, reply) =>
      finish(deps, callback, request, reply),
    )
    app.get('/link/:code', { schema: { hide: true } }, async (request, reply) => {
      const code = partOf(request, 'code')
      const who = await deps.people.peek(code)
      if (!who) return html(reply.code(404), GONE)
      if (!deps.signIn()) return html(reply.code(503), unavailable(who))
      return html(reply, ask(who, code))
    })
    // Not by a link, which somebody could be sent: by the button of that page alone.
    forms(app).post('/link/:code/github', { schema: { hide: true } }, async (request, reply) => {
      const code = partOf(request, 'code')
      const signIn = deps.signIn()
      if (!signIn || !(await deps.people.peek(code))) return html(reply.code(404), GONE)
      const verifier = begin(reply, { ...BEGUN, publicUrl: deps.publicUrl })
      return reply.redirect(signIn.authorizeUrl(`${code}.${signatureOf(verifier, code)}`, verifier, callback), 303)
    })
  }
}

async function finish(
  { people, signIn, log, onArrival }: LinkDeps,
  callback: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const query = new URL(request.url, 'http://localhost').searchParams
  const verifier = browserOf(request, BEGUN.cookie)
  const [code = '', bound = ''] = (query.get('state') ?? '').split('.')
  const answer = query.get('code')
  const sign = signIn()
  if (!verifier || !answer || !sign || !isSigned(verifier, code, bound)) return html(reply.code(400), BROKEN)
  try {
    const { person, emails } = await sign.whoSigned(answer, verifier, callback)
    const who = await people.take(code)
    if (!who) return html(reply.code(404), GONE)
    await people.setEmails(person, emails)
    const resumed = await linkAndResume(people, onArrival, who, () =>
      people.link(who, person, 'signed in with GitHub', `github:${person.id}:${person.login}`),
    )
    log('info', 'an account was linked', {
      channel: who.channel,
      account: who.account,
      member: who.id,
      login: person.login,
      resumed,
    })
    return html(reply, done(who, person, resumed))
  } catch (error) {
    log('warn', 'a sign-in did not work', { error: messageOf(error) })
    return html(reply.code(502), BROKEN)
  }
}

/**
 * Links somebody's account, and what they asked for before goes on. It arrives first: a process that ends in between has lost nothing, since
 * what arrives of somebody who is not known is kept again.
 * @returns how much of it
 */
export async function linkAndResume(
  people: Pick<PeopleStore, 'resume'>,
  onArrival: HttpDeps['onArrival'],
  who: Pick<Who, 'channel' | 'account' | 'id'>,
  link: () => Promise<void>,
): Promise<number> {
  const resumed = await people.resume(who)
  await link()
  // The sweeper finds what the queue lost.
  for (const { id, account, lane } of resumed) void onArrival(id, { account, lane })
  return resumed.length
}

function ask(who: Who, code: string): string {
  return `<h1>Is this you?</h1><p>The ${titleOf(who.channel)} account <strong>${escape(who.name)}</strong> (<code>${escape(who.id)}</code>, ${escape(who.account)}) asked Muster for something that only people with a GitHub account may ask for.</p>
<p>If that is <strong>your own</strong> ${titleOf(who.channel)} account, sign in with GitHub: from then on, whatever it says to Muster counts as said by you. Muster learns your name there, and keeps fingerprints (hashes) of your verified e-mail addresses where GitHub shows them, by which other channels of your team may recognise you.</p>
<form action="/link/${escape(code)}/github" method="post"><button>This is my account: sign in with GitHub</button></form>
<p class="muted">If somebody sent you this link, close this page: they would act in your name.</p>`
}

function done(who: Who, { login }: Person, resumed: number): string {
  const next = resumed > 0 ? 'Muster goes on with what you asked for.' : 'Go back and say it again.'
  return `<h1>Done</h1><p class="ok">${escape(who.name)} on ${titleOf(who.channel)} is ${escape(login)} on GitHub.</p><p>${next} Anybody who runs Muster can undo this with <code>muster people unlink</code>.</p>`
}

function unavailable({ channel, account, id }: Who): string {
  return `<h1>Not set up</h1><p>Signing in with GitHub is not set up here (<code>GITHUB_CLIENT_ID</code> and <code>GITHUB_CLIENT_SECRET</code>). Whoever runs Muster can link your account: <code>muster people link ${escape(channel)} ${escape(account)} ${escape(id)} &lt;login&gt;</code></p>`
}

const GONE = `<h1>This link is used up</h1><p>It is good once, and for a while. Ask Muster again for a new one.</p>`
const BROKEN =
  '<h1>That did not work</h1><p>This answer does not belong to a sign-in that was begun in this browser, or GitHub did not confirm it. Open the link again.</p>'
