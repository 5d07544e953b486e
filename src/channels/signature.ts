import { createHash, createHmac } from 'node:crypto'
import { isSameSecret } from '../core/hash.ts'
import type { Arrival } from '../core/inbound.ts'

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

/** A call that was signed, and that nobody can read: it is kept, and ignored with a reason, not lost. */
export function unreadable(source: Arrival['source'], body: Uint8Array): Arrival {
  return { source, deliveryId: `hash:${createHash('sha256').update(body).digest('hex')}`, kind: 'unreadable', body }
}
