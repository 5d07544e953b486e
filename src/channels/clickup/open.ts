import { once } from '../../core/once.ts'
import type { Channel, OpenDeps } from '../module.ts'
import { clickupCatchUp } from './catchup.ts'
import { clickupClient } from './client.ts'
import { clickupFacts } from './facts.ts'
import { normalise } from './normalise.ts'
import { clickupSender } from './send.ts'
import type { ClickupSettings } from './settings.ts'
import { tendWebhooks } from './webhooks.ts'

/** A ClickUp workspace, by its token. */
export function openClickup(
  settings: Omit<ClickupSettings, 'webhookSecret' | 'repositories'>,
  { publicUrl, reading }: OpenDeps,
): Channel {
  const { team, trustEmail, pullField } = settings
  const client = clickupClient(settings)
  const self = once(async () => (await client.user()).id)
  return {
    read: async (body) => normalise(body, team, await self()),
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
