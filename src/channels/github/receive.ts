import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Received, Verifier } from '../types.ts'

type Headers = Parameters<Verifier>[0]

/**
 * Checks a webhook call before anything of it is read: the SHA-256 signature over the raw body, nothing less (a SHA-1
 * signature alone does not count).
 */
export function receive(headers: Headers, body: Buffer, secret: string): Received {
  const signature = header(headers, 'x-hub-signature-256')
  if (!signature || !isSigned(secret, body, signature))
    return { ok: false, status: 401, detail: 'The signature (X-Hub-Signature-256) is missing or wrong.' }
  const deliveryId = header(headers, 'x-github-delivery')
  const event = header(headers, 'x-github-event')
  if (!deliveryId || !/^[\w-]{1,100}$/.test(deliveryId) || !event || !/^\w{1,60}$/.test(event))
    return { ok: false, status: 400, detail: 'X-GitHub-Delivery or X-GitHub-Event is missing.' }
  return { ok: true, arrival: { source: 'github', deliveryId, kind: event, body } }
}

function header(headers: Headers, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Over the bytes as they came: text conversion could make two bodies alike. */
function isSigned(secret: string, body: Buffer, signature: string): boolean {
  const wanted = Buffer.from(`sha256=${createHmac('sha256', secret).update(body).digest('hex')}`)
  const given = Buffer.from(signature)
  return wanted.length === given.length && timingSafeEqual(wanted, given)
}
