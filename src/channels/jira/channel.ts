import { once } from '../once.ts'
import type { CatchUpStore } from '../types.ts'
import { jiraCatchUp } from './catchup.ts'
import { asking, type JiraAccess, jiraClient } from './client.ts'
import { jiraFacts } from './facts.ts'
import { normalise } from './normalise.ts'
import { jiraSender } from './send.ts'

export interface JiraDeps extends JiraAccess {
  readonly trustEmail: boolean
  readonly redact: (text: string) => string
}

/** Everything of a Jira site, over one client. */
export function jiraChannel({ trustEmail, redact, ...access }: JiraDeps) {
  const client = jiraClient(access)
  const self = once(async () => {
    const { accountId } = await asking(() => client.myself.getCurrentUser())
    if (!accountId) throw new Error('Jira does not say which account the token belongs to')
    return accountId
  })
  return {
    read: async (body: Uint8Array) => normalise(body, await self()),
    facts: jiraFacts({ client, host: access.host, self, trustEmail }),
    sender: jiraSender({ client, self, redact }),
    catchUp: (_open: unknown, store: CatchUpStore) => jiraCatchUp(client, self, store),
  }
}
