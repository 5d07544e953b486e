import { setTimeout as sleep } from 'node:timers/promises'
import { once } from '../../core/once.ts'
import type { Reading } from '../../core/reply/foreign.ts'
import { accountIn } from '../../core/said.ts'
import type { Channel } from '../module.ts'
import { slackCatchUp } from './catchup.ts'
import { classify, slackClient } from './client.ts'
import { slackFacts } from './facts.ts'
import { normalise } from './normalise.ts'
import { slackSender } from './send.ts'
import type { SlackSettings } from './settings.ts'

/** Slack takes about one message a second in a channel (limits.md). */
const PART_PAUSE_MS = 1100

/** A Slack workspace, by its bot token. */
export function openSlack(settings: Pick<SlackSettings, 'botToken' | 'apiUrl'>, reading: Reading): Channel {
  const client = slackClient(settings)
  const self = once(() => client.auth.test().catch((error: unknown) => Promise.reject(classify(error))))
  return {
    async read(body) {
      const { team_id: team, user_id: own } = await self()
      const said = normalise(body, own ? [own] : [])
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
