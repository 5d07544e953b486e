import { afterEach, expect, it, vi } from 'vitest'
import { type Scene, soon, startScene } from '../support/scene.ts'

vi.setConfig({ testTimeout: 90_000 })

let scene: Scene | undefined
afterEach(async () => {
  await scene?.stop()
  scene = undefined
})

async function withSlack(settings?: (port: number) => string) {
  scene = await startScene({ slack: true, ...(settings ? { settings } : {}) })
  const { slack, stage } = scene
  if (!slack) throw new Error('no Slack')
  const { server, alice, bob, channel } = slack
  const { world, people } = server
  const inThread = (ts: string) => world.thread(channel, ts)
  const link = async (user: { id: string; name: string }, login: string) => {
    const account = stage.world.person(login)
    const answer = await fetch(`${scene?.url}/api/v1/people`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ channel: 'slack', account: world.team.id, member: user.id, name: user.name, githubId: account.id, login }),
    })
    expect(answer.status).toBe(201)
  }
  return { scene, world, people, alice, bob, channel, inThread, link, stage }
}

it('from a mention in a channel to a proved pull request, with one card in the thread and an issue linked back', async () => {
  const { scene: one, world, people, alice, channel, inThread, link, stage } = await withSlack()
  await link(alice, 'alice')
  const asked = await people.say(alice, channel, '@muster fix the tier for large orders acme/price-service')
  await soon(() => stage.world.issues.length).toBe(1)
  expect(stage.world.issues[0]?.title).toBe('Fix the tier for large orders')
  expect(stage.world.issues[0]?.body).toContain('Asked by')
  await soon(() => asked.reactions).toEqual(['eyes'])
  await soon(async () => (await one.task()).state.pullRequest?.draft, 60_000).toBe(false)
  const cards = inThread(asked.ts).filter((message) => message.byApp && message.edits > 0)
  expect(cards).toHaveLength(1)
  await soon(() => JSON.stringify(cards[0]?.blocks)).toContain('Please review and merge')
  expect(world.calls.filter((call) => call.error && call.error !== 'already_reacted')).toEqual([])
})
