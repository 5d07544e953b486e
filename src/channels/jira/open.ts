import type { Reading } from '../../core/reply/foreign.ts'
import type { Channel, InstalledAt } from '../module.ts'
import { jiraChannel } from './channel.ts'
import { asking, jiraBearer, jiraClient } from './client.ts'
import type { JiraApp, JiraSettings } from './settings.ts'

/** Jira's dynamic webhooks run out after 30 days; they are renewed on the 25th. */
const RENEW_MS = 25 * 24 * 3_600_000

/** The site of the settings. */
export function openJira(settings: JiraSettings, reading: Reading): Channel {
  const { host, trustEmail } = settings
  return jiraChannel({ client: jiraClient(settings), host, trustEmail, reading })
}

/** Through Atlassian's gateway, where the app was installed. */
export function openInstalledJira({ gatewayUrl, trustEmail }: JiraApp, at: InstalledAt, reading: Reading): Channel {
  const { accessToken, extra } = at.tokens
  const { cloudId = '', site = '', webhooks = '', webhooksAt = '0' } = extra
  const ids = webhooks.split(',').filter(Boolean).map(Number)
  const client = jiraBearer(`${gatewayUrl}/ex/jira/${cloudId}`, () => Promise.resolve(accessToken))
  return {
    ...jiraChannel({ client, host: site, trustEmail, reading }),
    async tend(now) {
      if (ids.length === 0 || now - Number(webhooksAt) < RENEW_MS) return []
      await asking(() => client.webhooks.refreshWebhooks({ webhookIds: ids }))
      await at.note({ webhooksAt: String(now) })
      return [{ text: `the webhooks on ${site} were renewed for another 30 days`, isWrong: false }]
    },
  }
}
