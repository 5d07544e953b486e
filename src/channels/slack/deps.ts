import type { WebClient } from '@slack/web-api'
import type { Reading } from '../../core/reply/foreign.ts'
import type { Surface } from '../../core/said.ts'

/** A thread, as a place. */
export type Thread = Extract<Surface, { channel: 'slack' }>

/** What sending to one workspace needs. */
export interface SlackSendDeps {
  readonly client: WebClient
  readonly reading: Reading
  /** Between the parts of one message: Slack takes one a second in a channel. */
  readonly pause: () => Promise<void>
}
