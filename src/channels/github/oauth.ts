import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Person } from '../../core/task/types.ts'
import { TokenAnswer, tokensFor } from '../oauth.ts'

/** GitHub's web flow, used to learn whose account somebody signs in with, and which of their addresses GitHub has verified. No scope is asked for. */
export interface SignIn {
  /** Where the browser is sent. @param verifier a secret of this sign-in (PKCE) */
  authorizeUrl(state: string, verifier: string, redirectUri: string): string
  /** @throws Error when GitHub does not accept the code */
  whoSigned(code: string, verifier: string, redirectUri: string): Promise<Signed>
}

export interface Signed {
  readonly person: Person
  /** The addresses that GitHub has verified; none where the app may not read them. */
  readonly emails: readonly string[]
}

export interface SignInOptions {
  readonly clientId: string
  readonly clientSecret: string
  readonly serverUrl: string
  readonly apiUrl: string
}

const User = z.object({ id: z.number().int().positive(), login: z.string().min(1) })
const Emails = z.array(z.object({ email: z.string(), verified: z.boolean() }))
const TIMEOUT_MS = 20_000

export function githubSignIn({ clientId, clientSecret, serverUrl, apiUrl }: SignInOptions): SignIn {
  return {
    authorizeUrl(state, verifier, redirectUri) {
      const url = new URL(`${serverUrl}/login/oauth/authorize`)
      url.search = new URLSearchParams({
        client_id: clientId,
        redirect_uri: redirectUri,
        state,
        // Somebody may be signed in with another account than the one that is meant.
        prompt: 'select_account',
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
      }).toString()
      return url.href
    },
    async whoSigned(code, verifier, redirectUri) {
      const endpoint = { clientId, clientSecret, url: `${serverUrl}/login/oauth/access_token`, takes: 'json' } as const
      // A refused code comes with 200 and an error in its place.
      const { access_token: token } = await tokensFor(
        endpoint,
        { type: 'authorization_code', code, redirectUri, verifier },
        TokenAnswer,
      )
      const ask = (path: string) =>
        fetch(apiUrl + path, {
          headers: {
            authorization: `Bearer ${token}`,
            accept: 'application/vnd.github+json',
            'user-agent': 'muster',
          },
          signal: AbortSignal.timeout(TIMEOUT_MS),
        })
      const user = await ask('/user')
      if (!user.ok) throw new Error(`GitHub answered ${user.status} to who signed in`)
      const person = User.parse(await user.json())
      const addresses = await ask('/user/emails?per_page=100')
      const known = addresses.ok ? Emails.parse(await addresses.json()) : []
      // The token has done its work, and is kept nowhere.
      return { person, emails: known.filter(({ verified }) => verified).map(({ email }) => email) }
    },
  }
}
