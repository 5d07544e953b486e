import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { isSameSecret } from '../../core/hash.ts'
import { jsonIn } from '../../core/json.ts'

const Claims = z.object({ exp: z.number().optional(), iss: z.string().optional() })

/** A JSON Web Token (RFC 7519) signed with HS256, and not run out. Nothing else is accepted, whatever its header says. */
export function isToken(token: string, secret: string, now = Date.now()): boolean {
  const [head = '', payload = '', signature = ''] = token.split('.')
  const wanted = createHmac('sha256', secret).update(`${head}.${payload}`).digest()
  if (!isSameSecret(Buffer.from(signature, 'base64url'), wanted)) return false
  const header = z.object({ alg: z.literal('HS256') }).safeParse(jsonIn(Buffer.from(head, 'base64url')))
  const claims = Claims.safeParse(jsonIn(Buffer.from(payload, 'base64url')))
  return header.success && claims.success && (claims.data.exp ?? 0) * 1000 > now
}
