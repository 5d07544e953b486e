import { expect } from 'vitest'
import type { Scene } from './scene.ts'

/** Links somebody's account elsewhere to one on GitHub, as the operator would. */
export async function linkPerson(
  scene: Scene,
  channel: 'slack' | 'jira' | 'clickup',
  account: string,
  member: string,
  login: string,
): Promise<void> {
  const { id } = scene.stage.world.person(login)
  const answer = await fetch(`${scene.url}/api/v1/people`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ channel, account, member, name: login, githubId: id, login }),
  })
  expect(answer.status).toBe(201)
}
