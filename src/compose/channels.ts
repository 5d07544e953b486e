import { setTimeout as sleep } from 'node:timers/promises'
import { slackCatchUp } from '../channels/slack/catchup.ts'
import { slackClient } from '../channels/slack/client.ts'
import { slackFacts } from '../channels/slack/facts.ts'
import { normalise as readSlack } from '../channels/slack/normalise.ts'
import { receive as receiveSlack } from '../channels/slack/receive.ts'
import { slackSender } from '../channels/slack/send.ts'
import {
  type CatchUp,
  type CatchUpStore,
  type ChannelFacts,
  SendError,
  type Sender,
  type Verifier,
} from '../channels/types.ts'
import type { ChannelSettings } from '../config/channels.ts'
import type { EffectBody } from '../core/effects.ts'
import type { Unheard } from '../core/heard.ts'
import type { ChannelName, Said, Surface } from '../core/said.ts'

/** Slack takes about one message a second in a channel (limits.md). */
const PART_PAUSE_MS = 1100

/** What a channel beside GitHub consists of. */
export interface Channel {
  readonly read: (body: Uint8Array) => Said | Unheard
  readonly facts: ChannelFacts
  readonly sender: Sender
  /** @param open the surfaces of tasks that are not finished */
  readonly catchUp: (open: () => Promise<readonly Surface[]>, store: CatchUpStore) => CatchUp
}

export type Channels = Readonly<Record<ChannelName, Channel | undefined>>

/** The channels that are switched on. */
export function openChannels(settings: ChannelSettings, redact: (text: string) => string): Channels {
  const { slack } = settings
  const client = slack && slackClient(slack)
  return {
    slack: client && {
      read: readSlack,
      facts: slackFacts(client),
      sender: slackSender({ client, redact, pause: () => sleep(PART_PAUSE_MS) }),
      catchUp: (open, store) => slackCatchUp(client, open, store),
    },
    jira: undefined,
    clickup: undefined,
  }
}

/** Who checks the webhooks of a channel; undefined: it is not switched on, or takes none. */
export function verifiersOf({ slack }: ChannelSettings): Readonly<Record<ChannelName, Verifier | undefined>> {
  const secret = slack?.signingSecret
  return {
    slack: secret === undefined ? undefined : (headers, body) => receiveSlack(headers, body, secret, Date.now()),
    jira: undefined,
    clickup: undefined,
  }
}

/** Each effect goes to the channel it belongs to. */
export function senderTo(github: Sender, channels: Channels): Sender {
  const of = (body: EffectBody): Sender => {
    if (!('surface' in body)) return github
    const channel = channels[body.surface.channel]
    if (!channel) throw new SendError('fatal', `${body.surface.channel} is not switched on any more`)
    return channel.sender
  }
  return {
    costOf: (body, previous) =>
      'surface' in body && !channels[body.surface.channel] ? {} : of(body).costOf(body, previous),
    lookUp: async (body, context) => of(body).lookUp(body, context),
    send: async (body, context) => of(body).send(body, context),
  }
}
