import { createHmac } from 'node:crypto'
import { isSameSecret } from '../core/hash.ts'

/** Whether `given` is the hex HMAC-SHA256 of these bytes as they came, compared in constant time: converted to text, two bodies could be alike. */
export function isHmac(secret: string, bytes: string | Uint8Array, given: string): boolean {
  return isSameSecret(createHmac('sha256', secret).update(bytes).digest('hex'), given)
}

/** One value of a header, which Node gives as a text or a list. */
export function headerIn(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  name: string,
): string | undefined {
  const value = headers[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** JSON of a body; undefined where it is none. */
export function jsonIn(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return undefined
  }
}
