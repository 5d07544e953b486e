import { z } from 'zod'
import { accountOf } from '../../core/effecttable.ts'
import { githubKey } from '../../core/heard.ts'
import { payloadIn } from './schema.ts'
import { headerIn, isHmac } from '../signature.ts'
import type { Headers, Received } from '../types.ts'

/** Whether a call carries a signature of GitHub's form. */
export function looksSigned(headers: Headers): boolean {
  return /^sha256=[0-9a-f]{64}$/.test(headerIn(headers, 'x-hub-signature-256') ?? '')
}

/**
 * Checks a webhook call before anything of it is read: the SHA-256 signature over the raw body, nothing less (a SHA-1
 * signature alone does not count).
 */
export function receive(headers: Headers, body: Buffer, secret: string): Received {
  const signature = headerIn(headers, 'x-hub-signature-256')
  if (!signature?.startsWith('sha256=') || !isHmac(secret, body, signature.slice('sha256='.length)))
    return { ok: false, status: 401, detail: 'The signature (X-Hub-Signature-256) is missing or wrong.' }
  const deliveryId = headerIn(headers, 'x-github-delivery')
  const event = headerIn(headers, 'x-github-event')
  if (!deliveryId || !/^[\w-]{1,100}$/.test(deliveryId) || !event || !/^\w{1,60}$/.test(event))
    return { ok: false, status: 400, detail: 'X-GitHub-Delivery or X-GitHub-Event is missing.' }
  return { ok: true, arrival: { source: 'github', deliveryId, kind: event, body, ...peek(body) } }
}

const Peeked = z.object({
  repository: z.object({ id: z.number() }).optional(),
  installation: z.object({ id: z.number() }).optional(),
  issue: z.object({ number: z.number() }).optional(),
  pull_request: z.object({ number: z.number() }).optional(),
  check_run: z.object({ pull_requests: z.array(z.object({ number: z.number() })) }).optional(),
})
/** Larger payloads are not looked into before they are stored: that would keep others waiting. */
const PEEK_BYTES = 128 * 1024

/** Where something was said and whose it is, as far as a glance tells; whoever reads it in full has the last word. */
export function peek(body: Uint8Array): { lane?: string; account?: string } {
  const payload = body.length > PEEK_BYTES ? undefined : payloadIn(body)
  const parsed = Peeked.safeParse(payload)
  if (!parsed.success) return {}
  const { repository, installation, issue, pull_request, check_run } = parsed.data
  const number = issue?.number ?? pull_request?.number ?? check_run?.pull_requests[0]?.number
  return {
    ...(repository && number !== undefined ? { lane: githubKey(repository.id, number) } : {}),
    ...(installation ? { account: accountOf(installation.id) } : {}),
  }
}
