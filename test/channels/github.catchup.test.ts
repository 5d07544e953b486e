import { expect, it } from 'vitest'
import { githubCatchUp } from '../../src/channels/github/catchup.ts'
import { githubClient } from '../../src/channels/github/client.ts'
import { normalise } from '../../src/channels/github/normalise.ts'
import type { Arrival } from '../../src/core/inbound.ts'
import { setStage } from '../../rehearsal/stage.ts'

const DAY_MS = 86_400_000

it('finds an issue that was closed while nobody listened for longer than deliveries are kept, and when that was', async () => {
  const { world, people, github, close } = await setStage()
  try {
    const issue = await people.openIssue('alice', 'Wrong price', 'x')
    await people.label('alice', issue.number, 'muster')
    await people.closeIssue('bob', issue.number)
    world.deliveries.length = 0
    const at = new Date(Math.floor((Date.now() - 4 * DAY_MS) / 1000) * 1000)
    for (const one of world.issueEvents) Object.assign(one, { createdAt: at.toISOString() })
    const found: Arrival[] = []
    const client = githubClient({
      appId: String(world.app.id),
      privateKey: world.app.privateKey,
      apiUrl: `${github.url}/api/v3`,
      serverUrl: github.url,
    })
    const store = {
      isKnown: async () => false,
      has: async () => false,
      insert: async (arrival: Arrival) => ({ id: String(found.push(arrival)), duplicate: false }),
    }
    await githubCatchUp(client, store).run(Date.now() - 5 * DAY_MS, Date.now())
    const heard = found.map(({ kind, body }) => normalise(kind, body, String(world.app.id)))
    expect(heard).toMatchObject([
      { what: { type: 'label' } },
      { what: { type: 'issue.closed' }, sender: { login: 'bob' }, writtenAt: at.getTime() },
    ])
  } finally {
    await close()
  }
})
