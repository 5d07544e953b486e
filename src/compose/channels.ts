import { setTimeout as sleep } from 'node:timers/promises'
import { clickupCatchUp } from '../channels/clickup/catchup.ts'
import { clickupClient } from '../channels/clickup/client.ts'
import { clickupFacts } from '../channels/clickup/facts.ts'
import { normalise as readClickup } from '../channels/clickup/normalise.ts'
import { receive as receiveClickup } from '../channels/clickup/receive.ts'
import { clickupSender } from '../channels/clickup/send.ts'
import { tendWebhooks } from '../channels/clickup/webhooks.ts'
import { receive as receiveJira } from '../channels/jira/receive.ts'
import { once } from '../channels/once.ts'
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
import type {
  ChannelSettings,
  ClickupSettings,
  JiraSettings,
  RepositoryMap,
  SlackSettings,
} from '../config/channels.ts'
import type { EffectBody } from '../core/effects.ts'
import type { Unheard } from '../core/heard.ts'
import type { ChannelName, Said, Surface } from '../core/said.ts'

/** Slack takes about one message a second in a channel (limits.md). */
const PART_PAUSE_MS = 1100

/** What a channel beside GitHub consists of. */
export interface Channel {
  /** @throws SendError when it has to ask who Muster is there, and gets no answer */
  readonly read: (body: Uint8Array) => Promise<Said | Unheard>
  readonly facts: ChannelFacts
  readonly sender: Sender
  /** @param open the surfaces of tasks that are not finished */
  readonly catchUp: (open: () => Promise<readonly Surface[]>, store: CatchUpStore) => CatchUp
  /** Keeps what the vendor would let lapse. @returns what was done or is wrong, for the operator */
  readonly tend?: () => Promise<readonly string[]>
  /** The repository that a project's tickets are about. */
  readonly repositories: RepositoryMap
}

export type Channels = Readonly<Record<ChannelName, Channel | undefined>>

/** The channels that are switched on. */
export async function openChannels(
  settings: ChannelSettings,
  publicUrl: string,
  redact: (text: string) => string,
): Promise<Channels> {
  const { slack, jira, clickup } = settings
  return {
    slack: slack && openSlack(slack, redact),
    jira: jira && (await openJira(jira, redact)),
    clickup: clickup && openClickup(clickup, publicUrl, redact),
  }
}

function openSlack(settings: SlackSettings, redact: (text: string) => string): Channel {
  const client = slackClient(settings)
  return {
    read: (body) => Promise.resolve(readSlack(body)),
    facts: slackFacts(client),
    sender: slackSender({ client, redact, pause: () => sleep(PART_PAUSE_MS) }),
    catchUp: (open, store) => slackCatchUp(client, open, store),
    repositories: new Map(),
  }
}

/** Loaded when it is needed: Jira's library is large. */
async function openJira(settings: JiraSettings, redact: (text: string) => string): Promise<Channel> {
  const { jiraChannel } = await import('../channels/jira/channel.ts')
  return { ...jiraChannel({ ...settings, redact }), repositories: settings.repositories }
}

function openClickup(settings: ClickupSettings, publicUrl: string, redact: (text: string) => string): Channel {
  const { team, trustEmail, pullField, repositories } = settings
  const client = clickupClient(settings)
  const self = once(async () => (await client.user()).id)
  return {
    read: async (body) => readClickup(body, team, await self()),
    facts: clickupFacts({ client, team, trustEmail }),
    sender: clickupSender({ client, self, redact, publicUrl, pullField }),
    catchUp: (_open, store) => clickupCatchUp(client, team, self, store),
    tend: () => tendWebhooks(client, team, publicUrl),
    repositories,
  }
}

/** Who checks the webhooks of a channel; undefined: it is not switched on, or takes none. */
export function verifiersOf({
  slack,
  jira,
  clickup,
}: ChannelSettings): Readonly<Record<ChannelName, Verifier | undefined>> {
  const secret = slack?.signingSecret
  return {
    slack: secret === undefined ? undefined : (headers, body) => receiveSlack(headers, body, secret, Date.now()),
    jira: jira && ((headers, body) => receiveJira(headers, body, jira.webhookSecret)),
    clickup: clickup && ((headers, body) => receiveClickup(headers, body, clickup.webhookSecret, clickup.team)),
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
