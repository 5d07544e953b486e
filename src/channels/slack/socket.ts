import { type Logger, LogLevel, SocketModeClient } from '@slack/socket-mode'
import type { Arrival } from '../../core/inbound.ts'
import { messageOf } from '../../core/errors.ts'
import type { Socket } from '../module.ts'
import { arrivalOf } from './receive.ts'

/** What the client hands over for each envelope. */
interface Envelope {
  readonly ack: () => Promise<void>
  readonly body: unknown
}

type Log = (level: 'warn', message: string, fields: Readonly<Record<string, unknown>>) => void

/** What the library says goes where everything else is logged. It opens a new socket by itself when one breaks. */
function toOurs(log: Log): Logger {
  const say = (...words: unknown[]) =>
    log('warn', 'the socket to Slack', { said: words.map(String).join(' ').slice(0, 500) })
  return {
    debug: () => {},
    info: () => {},
    warn: say,
    error: say,
    setLevel: () => {},
    getLevel: () => LogLevel.WARN,
    setName: () => {},
  }
}

/**
 * The same path as over HTTP: stored, then acknowledged. What cannot be stored is not acknowledged, and Slack sends it again.
 * Signatures are not needed: the socket was opened with the app's own token.
 */
export function slackSocket(
  { appToken, apiUrl }: { readonly appToken: string; readonly apiUrl: string },
  store: (arrival: Arrival) => Promise<void>,
  log: Log,
): Socket {
  const client = new SocketModeClient({
    appToken,
    clientOptions: { slackApiUrl: `${apiUrl}/` },
    logger: toOurs(log),
  })
  client.on('slack_event', ({ ack, body }: Envelope) => {
    void (async () => {
      try {
        await store(arrivalOf(body))
        await ack()
      } catch (error) {
        log('warn', 'an event of the socket could not be stored', { error: messageOf(error) })
      }
    })()
  })
  return {
    start: async () => void (await client.start()),
    stop: () => client.disconnect(),
  }
}
