import { createVerify } from 'node:crypto'
import { z } from 'zod'
import type { Token, World } from './world.ts'

const Claims = z.object({ iss: z.coerce.string(), exp: z.number(), iat: z.number() })

/** Who calls: the app itself (a JWT), an installation (a token), or nobody. */
export type Caller =
  | { readonly kind: 'app' }
  | { readonly kind: 'installation'; readonly token: Token }
  | { readonly kind: 'nobody' }

/** A refusal as GitHub words it. */
export class Refusal extends Error {
  readonly status: number
  readonly body: Record<string, unknown>
  constructor(status: number, message: string) {
    super(message)
    this.status = status
    this.body = { message, documentation_url: 'https://docs.github.com/rest', status: String(status) }
  }
}

/** Reads the Authorization header. @throws Refusal when it is there and not valid */
export function callerOf(world: World, header: string | undefined): Caller {
  const [, scheme = '', value = ''] = /^(bearer|token|basic) (.+)$/i.exec(header ?? '') ?? []
  if (!scheme) return { kind: 'nobody' }
  if (scheme.toLowerCase() === 'bearer' && value.split('.').length === 3 && !value.startsWith('ghs_')) {
    if (!isAppJwt(world, value)) throw new Refusal(401, 'A JSON web token could not be decoded')
    return { kind: 'app' }
  }
  const text =
    scheme.toLowerCase() === 'basic'
      ? Buffer.from(value, 'base64')
          .toString()
          .replace(/^x-access-token:/, '')
      : value
  const token = world.tokens.get(text)
  if (!token || token.expiresAt < Date.now()) throw new Refusal(401, 'Bad credentials')
  return { kind: 'installation', token }
}

function isAppJwt(world: World, jwt: string): boolean {
  const [head = '', body = '', signature = ''] = jwt.split('.')
  const verifier = createVerify('RSA-SHA256').update(`${head}.${body}`)
  if (!verifier.verify(world.app.publicKey, signature, 'base64url')) return false
  const claims = Claims.safeParse(JSON.parse(Buffer.from(body, 'base64url').toString()))
  if (!claims.success) return false
  const { iss, exp, iat } = claims.data
  const now = Date.now() / 1000
  return iss === String(world.app.id) && exp > now && exp - iat <= 660 && iat <= now + 60
}

/** Whether a token may do this, there. @throws Refusal with GitHub's words */
export function require(
  caller: Caller,
  permissions: readonly string[],
  level: 'read' | 'write',
  repositoryId: number,
): void {
  if (caller.kind === 'nobody') throw new Refusal(401, 'Requires authentication')
  if (caller.kind === 'app') throw new Refusal(403, 'Resource not accessible by integration')
  const { token } = caller
  if (token.repositoryIds && !token.repositoryIds.includes(repositoryId)) throw new Refusal(404, 'Not Found')
  const given = permissions.some(
    (name) => token.permissions[name] === 'write' || (level === 'read' && token.permissions[name] === 'read'),
  )
  if (!given) throw new Refusal(403, 'Resource not accessible by integration')
}
