import type { Stage } from '../../rehearsal/stage.ts'
import { githubClient } from '../../src/channels/github/client.ts'
import { githubPlatform } from '../../src/channels/github/platform.ts'
import { githubSender } from '../../src/channels/github/send.ts'
import type { Reading } from '../../src/core/reply/foreign.ts'

/** What writes to the GitHub of a stage, by itself; it pushes nothing. */
export function senderTo({ world, repo, github }: Stage, reading: Reading) {
  const client = githubClient({
    appId: String(world.app.id),
    privateKey: world.app.privateKey,
    apiUrl: `${github.url}/api/v3`,
    serverUrl: github.url,
  })
  const sender = githubSender({
    client,
    git: { commitAndPush: () => Promise.reject(new Error('nothing is pushed here')) },
    self: githubPlatform(client).self,
    appId: String(world.app.id),
    publicUrl: 'http://localhost',
    reading,
  })
  const repository = {
    id: repo.id,
    owner: repo.owner.login,
    name: repo.name,
    defaultBranch: 'main',
    installationId: world.installationId,
  }
  return { client, sender, repository }
}
