import type { Reading } from '../../core/reply/foreign.ts'
import { once } from '../../core/once.ts'
import type { CatchUpStore } from '../types.ts'
import { jiraCatchUp } from './catchup.ts'
import { asking, type JiraClient } from './client.ts'
import { jiraFacts } from './facts.ts'
import { normalise } from './normalise.ts'
import { jiraSender } from './send.ts'

/** One site, over whichever client reaches it. */
export interface JiraDeps {
  readonly client: JiraClient
  /** The site's own address, whichever way its API is reached. */
  readonly host: string
  readonly trustEmail: boolean
  readonly reading: Reading
}

/** Everything of a Jira site, over one client. */
export function jiraChannel({ client, host, trustEmail, reading }: JiraDeps) {
  const self = once(async () => {
    const { accountId } = await asking(() => client.myself.getCurrentUser())
    if (!accountId) throw new Error('Jira does not say which account the token belongs to')
    return accountId
  })
  return {
    read: async (body: Uint8Array) => normalise(body, await self()),
    whoami: async () => {
      const { displayName, accountId } = await asking(() => client.myself.getCurrentUser())
      return `${displayName ?? accountId} on ${new URL(host).host}`
    },
    facts: jiraFacts({ client, host, self, trustEmail }),
    sender: jiraSender({ client, self, reading }),
    catchUp: (_open: unknown, store: CatchUpStore) => jiraCatchUp(client, host, self, store),
  }
}
