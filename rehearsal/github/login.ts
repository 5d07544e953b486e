import { createHash, randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Account, World } from './world.ts'

interface Grant {
  readonly user: Account
  readonly redirectUri: string
  readonly challenge: string
}

const Exchange = z.object({
  client_id: z.string(),
  client_secret: z.string(),
  code: z.string(),
  redirect_uri: z.string(),
  code_verifier: z.string(),
})

/** GitHub's web flow: whoever comes chooses who they are, since nobody has a password here. */
export function loginRoutes(app: FastifyInstance, world: World): void {
  const grants = new Map<string, Grant>()
  const tokens = new Map<string, Account>()
  app.get('/login/oauth/authorize', async (request, reply) => {
    const query = new URL(request.url, 'http://localhost').searchParams
    if (query.get('client_id') !== world.app.clientId || query.get('code_challenge_method') !== 'S256')
      return reply.code(404).send('This is not the web page you are looking for.')
    const login = query.get('login')
    const redirectUri = query.get('redirect_uri') ?? ''
    if (login === null) return reply.type('text/html; charset=utf-8').send(choices(world, request.url))
    const code = randomBytes(10).toString('hex')
    grants.set(code, { user: world.person(login), redirectUri, challenge: query.get('code_challenge') ?? '' })
    return reply.redirect(`${redirectUri}?${new URLSearchParams({ code, state: query.get('state') ?? '' }).toString()}`)
  })
  app.post('/login/oauth/access_token', async (request) => {
    const parsed = Exchange.safeParse(request.body)
    const grant = parsed.success ? grants.get(parsed.data.code) : undefined
    if (!parsed.success || !grant) return { error: 'bad_verification_code' }
    const { client_id, client_secret, code, redirect_uri, code_verifier } = parsed.data
    grants.delete(code)
    if (client_id !== world.app.clientId || client_secret !== world.app.clientSecret)
      return { error: 'incorrect_client_credentials' }
    const challenge = createHash('sha256').update(code_verifier).digest('base64url')
    if (redirect_uri !== grant.redirectUri || challenge !== grant.challenge) return { error: 'bad_verification_code' }
    const token = `ghu_${randomBytes(18).toString('hex')}`
    tokens.set(token, grant.user)
    return { access_token: token, token_type: 'bearer', scope: '' }
  })
  app.get('/api/v3/user', async (request, reply) => {
    const user = tokens.get((request.headers.authorization ?? '').replace(/^Bearer /, ''))
    if (!user) return reply.code(401).send({ message: 'Bad credentials' })
    return { id: user.id, login: user.login, type: user.type }
  })
  app.get('/api/v3/user/emails', async (request, reply) => {
    const user = tokens.get((request.headers.authorization ?? '').replace(/^Bearer /, ''))
    if (!user) return reply.code(401).send({ message: 'Bad credentials' })
    return [{ email: `${user.login}@acme.example`, primary: true, verified: true, visibility: 'private' }]
  })
}

function choices(world: World, url: string): string {
  const people = [...world.accounts.values()].filter((one) => one.type === 'User')
  const links = people.map(
    (one) => `<p><a href="${url.replaceAll('&', '&amp;')}&amp;login=${one.login}">${one.login}</a></p>`,
  )
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in</title><h1>Sign in as</h1>${links.join('')}</html>`
}
