import type { WebClient } from '@slack/web-api'

export interface SlackSendDeps {
  readonly client: WebClient
  readonly redact: (text: string) => string
  /** Between the parts of one message: Slack takes one a second in a channel. */
  readonly pause: () => Promise<void>
}
