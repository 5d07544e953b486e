import { afterAll, beforeAll, expect, it } from 'vitest'
import { failedRun } from '../../rehearsal/github/api-actions.ts'
import { git } from '../../rehearsal/github/git.ts'
import { setStage, type Stage } from '../../rehearsal/stage.ts'
import { githubPlatform } from '../../src/channels/github/platform.ts'
import type { Platform } from '../../src/channels/types.ts'
import type { Person, Repository } from '../../src/core/task/types.ts'
import { type ApiCheck, openApiCheck } from '../support/openapi.ts'
import { senderTo } from '../support/sender.ts'

/** What the gates of a deploy ask GitHub. */

let stage: Stage
let api: ApiCheck
let platform: Platform
let repository: Repository
beforeAll(async () => {
  api = openApiCheck()
  stage = await setStage({ onExchange: api.onExchange })
  const to = senderTo(stage, { redact: (text) => text })
  platform = githubPlatform(to.client)
  repository = to.repository
})
afterAll(async () => {
  await stage.close()
  expect(api.violations).toEqual([])
})
const person = (login: string): Person => ({ id: stage.world.person(login).id, login })

it('is told what people are, by their numbers, and in which teams', async () => {
  stage.repo.people.set(person('bob').id, 'maintain')
  stage.world.teams.set('acme/release', new Set([person('bob').id]))
  const teams = ['acme/release', 'acme/other', 'elsewhere/release']
  expect(await platform.standing(repository, person('bob'), teams)).toEqual({
    ...person('bob'),
    role: 'maintain',
    teams: ['acme/release'],
  })
  expect(await platform.standing(repository, person('carol'), teams)).toMatchObject({ role: 'read', teams: [] })
  // Somebody has taken a name that was given up.
  expect(await platform.standing(repository, { id: 99, login: 'bob' }, teams)).toMatchObject({
    role: 'none',
    teams: [],
  })
  expect(await platform.standing(repository, { id: 98, login: 'nobody' }, [])).toMatchObject({ role: 'none' })
})

it('is told the newest of each check and status', async () => {
  const sha = await git(stage.repo.dir, ['rev-parse', 'main'])
  const run = (name: string, conclusion: string | null, startedAt: string) => {
    const made = failedRun(stage.world, { name, headSha: sha, summary: '' })
    const index = stage.world.checkRuns.indexOf(made)
    const status = conclusion === null ? 'in_progress' : 'completed'
    stage.world.checkRuns[index] = { ...made, conclusion, status, startedAt }
  }
  run('test', 'failure', '2026-11-30T10:00:00Z')
  run('test', 'success', '2026-11-30T11:00:00Z')
  run('e2e', null, '2026-11-30T11:00:00Z')
  for (const [state, nth] of [
    ['success', 1],
    ['failure', 2],
  ] as const)
    stage.world.statuses.push({ id: nth, sha, state, context: 'ci/old', description: '', at: '2026-11-30T10:00:00Z' })
  const checks = await platform.checks(repository, sha)
  expect(Object.fromEntries(checks.map(({ name, state }) => [name, state]))).toEqual({
    test: 'green',
    e2e: 'pending',
    'ci/old': 'red',
  })
})
