import { createHmac } from 'node:crypto'

/** HMAC-SHA256 in hex, as all four services sign. */
export function hmacOf(secret: string, text: string | Uint8Array): string {
  return createHmac('sha256', secret).update(text).digest('hex')
}
