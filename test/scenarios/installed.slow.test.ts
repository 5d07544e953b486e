import { createHmac, randomUUID } from 'node:crypto'
import { afterEach, expect, it } from 'vitest'
import { type Scene, soon, startScene } from '../support/scene.ts'

let scene: Scene | undefined
afterEach(async () => {
  await scene?.stop()
  scene = undefined
})

it('the label is there once the app is installed, by its name in the settings, and it is made once', async () => {
  scene = await startScene({ settings: () => 'label: robot\n' })
  const { stage, url, events } = scene
  const { world, repo } = stage
  const one = {
    id: repo.id,
    node_id: 'R_1',
    name: repo.name,
    full_name: `${repo.owner.login}/${repo.name}`,
    private: true,
  }
  const post = async (event: string, payload: object) => {
    const body = JSON.stringify({
      ...payload,
      installation: { id: world.installationId },
      sender: { id: 1, login: 'alice' },
    })
    const answer = await fetch(`${url}/api/github/webhooks`, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'x-github-delivery': randomUUID(),
        'x-github-event': event,
        'x-hub-signature-256': `sha256=${createHmac('sha256', world.app.webhookSecret).update(body).digest('hex')}`,
      },
    })
    expect(answer.status).toBe(202)
  }
  const reasons = async () => (await events()).map(({ kind, decision }) => `${kind} ${decision?.reason ?? ''}`)
  await post('installation', { action: 'created', repositories: [one] })
  await soon(() => [...world.labels]).toEqual(['acme/price-service robot'])
  // Once more, and something else.
  await post('installation_repositories', { action: 'added', repositories_added: [one], repositories_removed: [] })
  await post('installation_repositories', { action: 'removed', repositories_added: [], repositories_removed: [one] })
  await post('installation', { action: 'deleted', repositories: [one] })
  await post('installation', { action: 'created', repositories: 'none' })
  await soon(reasons).toEqual(
    expect.arrayContaining([
      'installation.created installed',
      'installation_repositories.added installed',
      'installation malformed',
    ]),
  )
  await soon(async () => (await reasons()).filter((text) => text.endsWith('not_for_us')).length).toBe(2)
  expect([...world.labels]).toEqual(['acme/price-service robot'])
  // That it was there already is nobody's trouble.
  const letters = (await (await fetch(`${url}/api/v1/dead-letters`)).json()) as { items: unknown[] }
  expect(letters.items).toEqual([])
})

it('a deploy of what is not there is refused at once, and of what is there is planned', async () => {
  scene = await startScene()
  const { stage, task, events } = scene
  const told = (number: number) =>
    stage.world.comments.filter((one) => one.issue === number && one.user === stage.world.bot).map(({ body }) => body)
  const issue = await stage.people.openIssue('alice', 'Ship it', 'The price list is done.')
  await stage.people.comment('bob', issue.number, '@muster deploy production v9.9.9')
  await soon(() => told(issue.number).join()).toContain(
    'There is no branch, tag or commit `v9.9.9` in acme/price-service',
  )
  expect((await events()).some((one) => one.task !== null)).toBe(false)
  await stage.people.comment('bob', issue.number, '@muster deploy production main')
  await soon(async () => (await task()).state.gate?.kind).toBe('deploy')
  await stage.people.comment('bob', issue.number, '@muster reject not today')
  await soon(async () => (await task()).status).toBe('done')
  await stage.people.comment('bob', issue.number, '@muster deploy production no/branch')
  await soon(() => told(issue.number).join()).toContain('commit `no/branch`')
  await stage.people.comment('bob', issue.number, `@muster deploy production ${stage.repo.defaultBranch}`)
  await soon(async () => (await task()).state.gate?.kind).toBe('deploy')
})
