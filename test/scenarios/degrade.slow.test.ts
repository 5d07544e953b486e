import { createHmac, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Running } from '../../src/cli/types.ts'
import { startServer } from '../../src/compose/server.ts'
import { setStage, type Stage, unusedPort } from '../../rehearsal/stage.ts'
import { Cluster, hasPrograms } from '../faults/support/cluster.ts'
import { soon, startScene, type Scene } from '../support/scene.ts'
import { type Asked, goodModel } from '../support/model.ts'

vi.setConfig({ testTimeout: 360_000 })
if (!hasPrograms() && process.env['CI']) throw new Error("PostgreSQL's own programs are needed in CI")

describe.skipIf(!hasPrograms())('without its database the web side', () => {
  let cluster: Cluster
  let stage: Stage
  let web: Running
  const data = mkdtempSync(join(tmpdir(), 'muster-degrade-'))
  beforeAll(async () => {
    cluster = await Cluster.start()
    stage = await setStage()
    const { app } = stage.world
    web = await startServer(
      {
        PORT: String(await unusedPort()),
        HOST: '127.0.0.1',
        MUSTER_DATA: data,
        APP_ID: String(app.id),
        PRIVATE_KEY: app.privateKey,
        WEBHOOK_SECRET: app.webhookSecret,
        GITHUB_API_URL: `${stage.github.url}/api/v3`,
        GITHUB_SERVER_URL: stage.github.url,
        LOG_LEVEL: 'silent',
        DATABASE_URL: await cluster.create('degrade'),
        // Nobody answers there.
        REDIS_URL: 'redis://127.0.0.1:1',
      },
      'test',
      'web',
    )
  })
  afterAll(async () => {
    await web?.stop()
    await stage?.close()
    cluster?.stop()
    rmSync(data, { recursive: true, force: true })
  })
  const post = async (guid: string) => {
    const body = JSON.stringify({ zen: 'x' })
    const { status } = await fetch(`http://127.0.0.1:${web.port}/api/github/webhooks`, {
      method: 'POST',
      body,
      headers: {
        'x-github-delivery': guid,
        'x-github-event': 'ping',
        'x-hub-signature-256': `sha256=${createHmac('sha256', stage.world.app.webhookSecret).update(body).digest('hex')}`,
      },
    })
    return status
  }
  const ready = async () => (await fetch(`http://127.0.0.1:${web.port}/readyz`)).status

  it('says 503 within the time that GitHub waits, turns red, and works again by itself; without Redis it accepts all the while', async () => {
    expect(await post(randomUUID())).toBe(202)
    expect(await ready()).toBe(200)
    const guid = randomUUID()
    cluster.down()
    const started = performance.now()
    expect(await post(guid)).toBe(503)
    expect(performance.now() - started).toBeLessThan(10_000)
    expect(await ready()).toBe(503)
    cluster.up()
    // GitHub redelivers, when Muster asks for it.
    await expect.poll(() => post(guid)).toBe(202)
    await expect.poll(ready).toBe(200)
  })

  it('keeps whoever posts waiting while the database restarts, rather than turning him away', async () => {
    cluster.down()
    const posted = post(randomUUID())
    await new Promise((done) => setTimeout(done, 1000))
    cluster.up()
    expect(await posted).toBe(202)
  })
})

describe('a model provider that cannot answer', () => {
  let scene: Scene
  let mode: 'good' | 'spent' = 'spent'
  beforeAll(async () => {
    const answer = (asked: Asked) =>
      mode === 'spent'
        ? {
            status: 429,
            body: { type: 'error', error: { type: 'rate_limit_error', message: 'enforced_spend_limit_reached' } },
          }
        : goodModel(asked)
    scene = await startScene({ model: answer })
  })
  afterAll(() => scene.stop())

  it('parks the step with what it has, says so and since when, once; `retry` goes on at once', async () => {
    const { people, world } = scene.stage
    const issue = await people.openIssue('alice', 'Totals are wrong', 'See the totals.')
    await people.label('alice', issue.number, 'muster')
    await soon(async () => (await scene.task(issue.number)).state.steps[0]?.status).toBe('running')
    const mine = () => world.comments.filter((one) => one.issue === issue.number && one.user === world.bot)
    await soon(() => mine().find((one) => one.body.includes('### Muster: '))?.body).toMatch(
      /Waiting since \d\d:\d\d UTC, \d+ \w+: the model provider's spending limit or credit is used up\. The operator should raise it/,
    )
    await soon(() => mine().filter((one) => !one.body.includes('### Muster: ')).length).toBe(1)
    expect((await scene.task(issue.number)).status).toBe('working')
    mode = 'good'
    await people.comment('alice', issue.number, '@muster retry')
    await soon(async () => (await scene.task(issue.number)).state.spec?.title).toBeDefined()
    const task = await scene.task(issue.number)
    // The same attempt went on: nothing that was saved is paid again.
    expect(task.state.steps.find(({ id }) => id === 'spec')).toMatchObject({ attempt: 1 })
    await soon(() => mine().find((one) => one.body.includes('### Muster: '))?.body).not.toContain('Waiting since')
  })
})
