import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyReply } from 'fastify'

/** The part of a vendor's OAuth that is the same everywhere: consent, codes that are good once, tokens that rotate. */
export class Consent {
  readonly clientId = `client-${randomBytes(6).toString('hex')}`
  readonly clientSecret = randomBytes(16).toString('hex')
  /** How long a token is good (s); undefined: it does not run out. */
  expiresIn: number | undefined
  /** Tokens that are accepted now. */
  readonly tokens = new Set<string>()
  readonly #codes = new Map<string, string>()
  readonly #refresh = new Set<string>()
  /** Uses of a refresh token that was used before. */
  reused = 0

  /** Somebody looks at the page of consent, and agrees at once. */
  page(app: FastifyInstance, path: string): void {
    app.get(path, async (request, reply): Promise<FastifyReply> => {
      const query = new URL(request.url, 'http://localhost').searchParams
      if (query.get('client_id') !== this.clientId) return reply.code(400).send('unknown client')
      const redirectUri = query.get('redirect_uri') ?? ''
      const code = randomBytes(10).toString('hex')
      this.#codes.set(code, redirectUri)
      return reply.redirect(
        `${redirectUri}?${new URLSearchParams({ code, state: query.get('state') ?? '' }).toString()}`,
      )
    })
  }

  /** Tokens for a code, or for a refresh token; undefined when they are refused. */
  grant(args: Readonly<Record<string, unknown>>) {
    if (args['client_id'] !== this.clientId || args['client_secret'] !== this.clientSecret) return undefined
    const refresh = args['refresh_token']
    if (typeof refresh === 'string') {
      if (!this.#refresh.delete(refresh)) {
        this.reused++
        return undefined
      }
    } else {
      const code = typeof args['code'] === 'string' ? args['code'] : ''
      const redirectUri = this.#codes.get(code)
      // ClickUp does not send the address again.
      if (redirectUri === undefined || (args['redirect_uri'] !== undefined && args['redirect_uri'] !== redirectUri))
        return undefined
      this.#codes.delete(code)
    }
    return this.#fresh()
  }

  /** The app was removed, or its tokens revoked. */
  revoke(): void {
    this.tokens.clear()
    this.#refresh.clear()
  }

  #fresh() {
    const token = `token-${randomBytes(16).toString('hex')}`
    // What was given out before is good no more.
    if (this.expiresIn !== undefined) this.tokens.clear()
    this.tokens.add(token)
    if (this.expiresIn === undefined) return { access_token: token, token_type: 'Bearer' }
    const refresh = `refresh-${randomBytes(16).toString('hex')}`
    this.#refresh.add(refresh)
    return { access_token: token, token_type: 'Bearer', refresh_token: refresh, expires_in: this.expiresIn }
  }
}
