import { SmeeClient } from 'smee-client'
import { z } from 'zod'
import { messageOf } from '../../core/errors.ts'

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

/** A new channel. @param server where channels are given out, `https://smee.io` @throws Error where it gives none of its own */
export async function newChannel(server: string): Promise<string> {
  const given = await SmeeClient.createChannel({ newChannelUrl: `${server}/new` })
  const channel = new URL(given, server)
  if (channel.origin !== new URL(server).origin) throw new Error(`${server} gives out a channel elsewhere`)
  return channel.href
}

/** How long a proxy that is out of reach is left alone, at first and at most. */
const PAUSE_MS = { first: 250, longest: 60_000 } as const

/**
 * Listens on a channel. What comes over it counts for nothing by itself: it is handed in unread, and its signature is checked as ever.
 * A connection that is lost, or refused, is opened anew.
 */
export function webhookProxy(deps: WebhookProxyDeps): WebhookProxy {
  const { source, log } = deps
  let tries = 0
  let timer: NodeJS.Timeout | undefined
  let open: SmeeClient | undefined
  const connect = () => {
    let isLost = false
    open = listening(deps, {
      opened: () => {
        tries = 0
        log('info', 'webhooks are taken from the proxy', { source })
      },
      // The client gives up on some answers, and does not say so: a new one is made on any trouble.
      lost: () => {
        if (isLost) return
        isLost = true
        const wait = Math.min(PAUSE_MS.longest, PAUSE_MS.first * 2 ** Math.min(tries++, 8))
        log('warn', 'the webhook proxy is out of reach; it is tried again', { source, seconds: wait / 1000 })
        void open?.stop()
        timer = setTimeout(connect, wait)
        timer.unref()
      },
    })
  }
  connect()
  return {
    async stop() {
      clearTimeout(timer)
      await open?.stop()
    },
  }
}

interface Told {
  readonly opened: () => void
  readonly lost: () => void
}

function listening({ source, deliver, log }: WebhookProxyDeps, { opened, lost }: Told): SmeeClient {
  // The target is never asked: forwarding is ours. What goes wrong is told by `onerror`.
  const logger = { info: () => {}, error: () => {} }
  const client = new SmeeClient({ source, target: 'http://localhost', forward: false, logger })
  // The client knows listeners by these names alone.
  // oxlint-disable-next-line unicorn/prefer-add-event-listener
  client.onmessage = ({ data }) =>
    void relay(data).catch((error: unknown) =>
      log('warn', 'a webhook from the proxy was lost', { error: messageOf(error) }),
    )
  // oxlint-disable-next-line unicorn/prefer-add-event-listener
  client.onopen = opened
  // oxlint-disable-next-line unicorn/prefer-add-event-listener
  client.onerror = lost
  const relay = async (data: unknown) => {
    const message = Message.safeParse(jsonIn(data))
    // Whoever knows the address can write there.
    if (!message.success) return log('warn', 'what came over the webhook proxy is no webhook of GitHub', { source })
    const { body, ...signed } = message.data
    const status = await deliver({ ...signed, 'content-type': 'application/json' }, JSON.stringify(body))
    if (status >= 300) log('warn', 'a webhook from the proxy was not taken', { status })
  }
  void client.start().catch(() => {})
  return client
}

function jsonIn(data: unknown): unknown {
  try {
    return typeof data === 'string' ? JSON.parse(data) : undefined
  } catch {
    return undefined
  }
}
