import { setTimeout as sleep } from 'node:timers/promises'
import { clickupCatchUp } from '../channels/clickup/catchup.ts'
import { clickupClient } from '../channels/clickup/client.ts'
import { clickupFacts } from '../channels/clickup/facts.ts'
import { normalise as readClickup } from '../channels/clickup/normalise.ts'
import { clickupSender } from '../channels/clickup/send.ts'
import { tendWebhooks } from '../channels/clickup/webhooks.ts'
import type { JiraClient } from '../channels/jira/client.ts'
import { once } from '../core/once.ts'
import { slackCatchUp } from '../channels/slack/catchup.ts'
import { classify, slackClient } from '../channels/slack/client.ts'
import { slackFacts } from '../channels/slack/facts.ts'
import { normalise as readSlack } from '../channels/slack/normalise.ts'
import { slackSender } from '../channels/slack/send.ts'
import type { CatchUp, CatchUpStore, ChannelFacts, Sender } from '../channels/types.ts'
import type { ClickupSettings, JiraSettings, SlackSettings } from '../config/channels.ts'
import type { Reading } from '../core/reply/foreign.ts'
import type { Unheard } from '../core/heard.ts'
import { accountIn, type Said, type Surface } from '../core/said.ts'

/** Slack takes about one message a second in a channel (limits.md). */
const PART_PAUSE_MS = 1100
/** Jira's dynamic webhooks run out after 30 days; they are renewed on the 25th. */
const RENEW_MS = 25 * 24 * 3_600_000

/** What a channel beside GitHub consists of, for one workspace or site. */
export interface Channel {
  /** @throws SendError when it has to ask who Muster is there, and gets no answer */
  readonly read: (body: Uint8Array) => Promise<Said | Unheard>
  readonly facts: ChannelFacts
  readonly sender: Sender
  /** @param open the surfaces of tasks that are not finished */
  readonly catchUp: (open: () => Promise<readonly Surface[]>, store: CatchUpStore) => CatchUp
  /** Who Muster is there. @throws when it cannot be asked */
  readonly whoami: () => Promise<string>
  /** Keeps what the vendor would let lapse. @returns what was done or is wrong, for the operator */
  readonly tend?: (now: number) => Promise<readonly string[]>
}

/** A Slack workspace, by its bot token. */
export function openSlack(settings: Pick<SlackSettings, 'botToken' | 'apiUrl'>, reading: Reading): Channel {
  const client = slackClient(settings)
  const self = once(() => client.auth.test().catch((error: unknown) => Promise.reject(classify(error))))
  return {
    async read(body) {
      const { team_id: team, user_id: own } = await self()
      const said = readSlack(body, own ? [own] : [])
      return 'ignored' in said || accountIn(said.surface) === team
        ? said
        : { ignored: 'not_connected', detail: `the token is not for the workspace ${accountIn(said.surface)}` }
    },
    facts: slackFacts(client, reading.redact),
    whoami: async () => {
      const { user, team } = await client.auth.test().catch((error: unknown) => Promise.reject(classify(error)))
      return `${user} in ${team}`
    },
    sender: slackSender({ client, reading, pause: () => sleep(PART_PAUSE_MS) }),
    catchUp: (open, store) => slackCatchUp(client, open, store),
  }
}

/** Loaded when it is needed: Jira's library is large. */
export async function openJira(settings: JiraSettings, reading: Reading): Promise<Channel> {
  const { jiraClient } = await import('../channels/jira/client.ts')
  return jiraOver(jiraClient(settings), settings.host, settings.trustEmail, reading)
}

/** A Jira site over a client, whichever way it is reached. */
export async function jiraOver(
  client: JiraClient,
  host: string,
  trustEmail: boolean,
  reading: Reading,
): Promise<Channel> {
  const { jiraChannel } = await import('../channels/jira/channel.ts')
  return jiraChannel({ client, host, trustEmail, reading })
}

/** Through Atlassian's gateway, where the app was installed. @param noteRenewed called when its webhooks were renewed */
export async function openInstalledJira(
  at: {
    readonly gatewayUrl: string
    readonly cloudId: string
    readonly site: string
    readonly token: () => Promise<string>
    readonly trustEmail: boolean
    readonly webhooks: readonly number[]
    readonly webhooksAt: number
  },
  noteRenewed: (at: number) => Promise<void>,
  reading: Reading,
): Promise<Channel> {
  const { asking, jiraBearer } = await import('../channels/jira/client.ts')
  const client = jiraBearer(`${at.gatewayUrl}/ex/jira/${at.cloudId}`, at.token)
  const channel = await jiraOver(client, at.site, at.trustEmail, reading)
  return {
    ...channel,
    async tend(now) {
      if (at.webhooks.length === 0 || now - at.webhooksAt < RENEW_MS) return []
      await asking(() => client.webhooks.refreshWebhooks({ webhookIds: [...at.webhooks] }))
      await noteRenewed(now)
      return [`the webhooks on ${at.site} were renewed for another 30 days`]
    },
  }
}

/** A ClickUp workspace, by its token. */
export function openClickup(
  settings: Omit<ClickupSettings, 'webhookSecret' | 'repositories'>,
  publicUrl: string,
  reading: Reading,
): Channel {
  const { team, trustEmail, pullField } = settings
  const client = clickupClient(settings)
  const self = once(async () => (await client.user()).id)
  return {
    read: async (body) => readClickup(body, team, await self()),
    facts: clickupFacts({ client, team, trustEmail, apiHost: new URL(settings.apiUrl).host }),
    whoami: async () => {
      const { username, id } = await client.user()
      const members = await client.members(team)
      if (members.length === 0) throw new Error(`the token does not belong to the workspace ${team}`)
      return `${username ?? id} in the workspace ${team}`
    },
    sender: clickupSender({ client, self, reading, publicUrl, pullField }),
    catchUp: (_open, store) => clickupCatchUp(client, team, self, store),
    tend: () => tendWebhooks(client, team, publicUrl),
  }
}
