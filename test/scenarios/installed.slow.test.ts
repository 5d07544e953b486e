import { createHmac, randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { git } from '../../rehearsal/github/git.ts'
import { parseRepositorySettings } from '../../src/config/repository.ts'
import { type Scene, soon, startScene } from '../support/scene.ts'

let scene: Scene | undefined
afterEach(async () => {
  await scene?.stop()
  scene = undefined
})

/** What GitHub sends when the app is installed. */
async function install({ stage: { world, repo }, url }: Scene, payload: object): Promise<void> {
  const one = {
    id: repo.id,
    node_id: 'R_1',
    name: repo.name,
    full_name: `${repo.owner.login}/${repo.name}`,
    private: true,
  }
  const installation = { id: world.installationId, repository_selection: 'selected' }
  const sender = { id: world.person('alice').id, login: 'alice' }
  const body = JSON.stringify({ action: 'created', repositories: [one], installation, sender, ...payload })
  await fetch(`${url}/api/github/webhooks`, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'x-github-delivery': randomUUID(),
      'x-github-event': 'installation',
      'x-hub-signature-256': `sha256=${createHmac('sha256', world.app.webhookSecret).update(body).digest('hex')}`,
    },
  })
}

it('a repository without settings is welcomed with a pull request that says what was found, once, and costs nothing', async () => {
  scene = await startScene({ prepare: (folder) => rmSync(join(folder, '.github'), { recursive: true }) })
  const { stage, task, events } = scene
  const { world, people } = stage
  await install(scene, {})
  await soon(() => world.issues.map(({ title }) => title)).toEqual(['Set up Muster'])
  const [pull] = world.issues
  await soon(() => pull?.body).toContain('passes in the sandbox')
  expect(pull?.pull).toMatchObject({ head: 'muster/configure', draft: false })
  const file = await git(stage.repo.dir, ['show', 'muster/configure:.github/muster.yml'])
  expect(parseRepositorySettings(file)).toMatchObject({ ok: true, settings: { checks: { test: 'npm test --silent' } } })
  expect(await git(stage.repo.dir, ['diff', '--name-only', 'main...muster/configure'])).toBe('.github/muster.yml')
  expect(await git(stage.repo.dir, ['log', '-1', '--format=%B', 'muster/configure'])).not.toContain('Refs')
  // Nothing but the pull request itself, and no check that nobody would conclude.
  expect([world.comments.length, world.checkRuns.length, scene.model.asked.length]).toEqual([0, 0, 0])
  // What is said about it begins no work of SD's.
  await people.review('alice', pull?.number ?? 0, 'COMMENTED', 'Why so?', [])
  await people.merge('alice', pull?.number ?? 0)
  await soon(async () => (await task()).status).toBe('done')
  await install(scene, {})
  const installed = async () => (await events()).filter(({ decision }) => decision?.reason === 'installed').length
  await soon(installed).toBe(2)
  expect(world.issues.length).toBe(1)
})

it('nobody is surprised: with settings, with all repositories at once, or where the operator does not want it there is none', async () => {
  scene = await startScene({
    env: { MUSTER_ONBOARDING: '0' },
    prepare: (folder) => rmSync(join(folder, '.github'), { recursive: true }),
  })
  await install(scene, {})
  const details = async () => (await scene?.events())?.map(({ decision }) => decision?.detail)
  await soon(details).toContain('1 of 1 repositories get the label, 0 a pull request')
  await scene.stop()
  scene = await startScene()
  await install(scene, {})
  await install(scene, { installation: { id: scene.stage.world.installationId, repository_selection: 'all' } })
  await soon(async () => (await details())?.filter((detail) => detail?.includes('0 a pull request')).length).toBe(2)
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
