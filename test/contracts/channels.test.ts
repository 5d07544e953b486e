import { describe, it } from 'vitest'
import type { CoreChannel } from '../../src/core/channels/registry.ts'
import { channelNamed, channelNames } from '../../src/core/said.ts'
import { type ChannelBench, channelContract } from '../../src/plugin/contracts/channels.ts'

/** What each channel is put to the test with. */
const BENCHES: Readonly<Record<CoreChannel, ChannelBench>> = {
  slack: {
    fixed: { SLACK_BOT_TOKEN: 'xoxb-token-of-the-bot', SLACK_SIGNING_SECRET: 'secret-of-the-signature' },
    app: {
      SLACK_CLIENT_ID: '1.2',
      SLACK_CLIENT_SECRET: 'secret-of-the-app',
      SLACK_SIGNING_SECRET: 'secret-of-the-signature',
    },
    at: { channel: 'slack', team: 'T1', room: 'C1', thread: '1.2' },
  },
  jira: {
    fixed: {
      JIRA_HOST: 'https://acme.atlassian.net',
      JIRA_EMAIL: 'muster@acme.example',
      JIRA_API_TOKEN: 'token-of-the-account',
      JIRA_WEBHOOK_SECRET: 'secret-of-the-webhook',
    },
    app: { JIRA_CLIENT_ID: 'id', JIRA_CLIENT_SECRET: 'secret-of-the-app' },
    at: { channel: 'jira', site: 'https://acme.atlassian.net', ticket: '10001', name: 'SHOP-1' },
  },
  clickup: {
    fixed: {
      CLICKUP_API_TOKEN: 'pk_token-of-the-account',
      CLICKUP_WEBHOOK_SECRET: 'secret-of-the-webhook',
      CLICKUP_TEAM_ID: '9012345678',
    },
    app: { CLICKUP_CLIENT_ID: 'id', CLICKUP_CLIENT_SECRET: 'secret-of-the-app' },
    at: { channel: 'clickup', team: '9012345678', ticket: '86r0001' },
  },
}
const benches = new Map<string, ChannelBench>(Object.entries(BENCHES))

/** Every channel beside GitHub: a new one is finished when this passes, and it has a row above. */
describe.each(channelNames())('the channel %s', (name) => {
  const bench = benches.get(name)
  if (!bench || !channelNamed(name)) throw new Error(`${name} has no bench`)
  for (const { name: what, run } of channelContract(name, bench)) it(what, run)
})
