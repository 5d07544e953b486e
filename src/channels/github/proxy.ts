import { SmeeClient } from 'smee-client'
import { z } from 'zod'

/** Where webhooks are handed on from, for a server that GitHub cannot reach (smee.io's protocol). */
export interface WebhookProxy {
  stop(): Promise<void>
}

export interface WebhookProxyDeps {
  /** The address of the channel. */
  readonly source: string
  /** Hands a webhook in as if GitHub had called. @returns the status */
  readonly deliver: (headers: Readonly<Record<string, string>>, body: string) => Promise<number>
  readonly log: (level: 'info' | 'warn', message: string, fields?: Readonly<Record<string, unknown>>) => void
}

/** What a channel hands on: the body as it was read there, and the headers beside it. */
const Message = z.object({
  body: z.record(z.string(), z.unknown()),
  'x-github-event': z.string(),
  'x-github-delivery': z.string(),
  'x-hub-signature-256': z.string(),
})

/** A new channel. @param server where channels are given out, `https://smee.io` @throws Error where it gives none */
export function newChannel(server: string): Promise<string> {
  return SmeeClient.createChannel({ newChannelUrl: `${server}/new` })
}

/**
 * Listens on a channel. What comes over it counts for nothing by itself: it is handed in unread, and its signature is checked as ever.
 * A connection that is lost is opened again.
 */
export function webhookProxy({ source, deliver, log }: WebhookProxyDeps): WebhookProxy {
  const logger = {
    info: () => {},
    error: () => log('warn', 'the webhook proxy is out of reach; it is tried again', { source }),
  }
  // The target is never asked: forwarding is ours.
  const client = new SmeeClient({ source, target: 'http://localhost', forward: false, logger })
  // The client knows listeners by these names alone.
  // oxlint-disable-next-line unicorn/prefer-add-event-listener
  client.onmessage = ({ data }) =>
    void relay(data).catch((error: unknown) =>
      log('warn', 'a webhook from the proxy was lost', { error: String(error) }),
    )
  // oxlint-disable-next-line unicorn/prefer-add-event-listener
  client.onopen = () => log('info', 'webhooks are taken from the proxy', { source })
  const relay = async (data: unknown) => {
    const message = Message.safeParse(jsonIn(data))
    // Whoever knows the address can write there.
    if (!message.success) return log('warn', 'what came over the webhook proxy is no webhook of GitHub', { source })
    const { body, ...signed } = message.data
    const status = await deliver({ ...signed, 'content-type': 'application/json' }, JSON.stringify(body))
    if (status >= 300) log('warn', 'a webhook from the proxy was not taken', { status })
  }
  void client.start().catch(() => {})
  return { stop: () => client.stop() }
}

function jsonIn(data: unknown): unknown {
  try {
    return typeof data === 'string' ? JSON.parse(data) : undefined
  } catch {
    return undefined
  }
}
