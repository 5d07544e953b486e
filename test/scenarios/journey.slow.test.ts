import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, vi } from 'vitest'
import { ServerChild } from '../../rehearsal/child.ts'
import type { Entry } from '../../rehearsal/github/world.ts'
import { playCustomers, playFirstRelease, playFix } from '../../rehearsal/player.ts'
import { setStage } from '../../rehearsal/stage.ts'
import { onGithub } from '../../rehearsal/ways.ts'
import { summarise } from '../../rehearsal/summary.ts'
import { SANDBOX } from '../support/isolation.ts'
import { openApiCheck } from '../support/openapi.ts'
import { copyTemplate } from '../support/scene.ts'

vi.setConfig({ testTimeout: 600_000 })

const STORY = fileURLToPath(new URL('../../rehearsal/stories/tiers.json', import.meta.url))

/** Moments at which GitHub has done what was asked, and the answer is not out yet: whoever dies now cannot know. */
const KILLS: readonly (readonly [string, (entry: Entry) => boolean])[] = [
  [
    'the first status comment',
    (entry) => entry.what === 'commented' && entry.where === '#2' && entry.who === 'muster[bot]',
  ],
  ['the pull request', (entry) => entry.what === 'opened the draft pull request'],
  ['the pushed rework', (entry) => entry.what === 'pushed to'],
  ['an answer in the review', (entry) => entry.what === 'replied in the review thread on'],
  [
    'the record of the deployment',
    (entry) => entry.what === 'recorded a deployment to' && entry.where === 'production',
  ],
]

it('ends with everything there once, though the server is killed at five points of the journey', async () => {
  const api = openApiCheck()
  const stage = await setStage({ onExchange: api.onExchange })
  copyTemplate(join(stage.dir, 'data'))
  const server = await ServerChild.start(stage, {
    MUSTER_SCRIPT: STORY,
    MUSTER_SANDBOX: SANDBOX,
  })
  const left = [...KILLS]
  stage.world.watch((entry) => {
    const hit = left.findIndex(([, matches]) => matches(entry))
    if (hit < 0) return
    left.splice(hit, 1)
    server.kill()
  })
  let stopCustomers = () => {}
  try {
    const deps = { way: onGithub(stage), stage, server, patienceMs: 240_000, thinkMs: 100, onStage: () => {} }
    const first = (await playFirstRelease(deps)).task
    stopCustomers = playCustomers(stage.productionPort)
    const { issue, pullRequest, task } = await playFix(deps)
    await new Promise((done) => setTimeout(done, 2500))
    const summary = await summarise(stage, task, undefined, { seconds: 0, recorded: true, kept: false })
    expect(left.map(([name]) => name)).toEqual([])
    expect(server.restarts).toBe(KILLS.length)
    expect(summary).toMatchObject({
      ok: true,
      problems: [],
      effects: { duplicates: 0 },
      proof: { red: true, green: true },
      deployment: { verdict: 'healthy' },
    })
    const { world } = stage
    for (const number of [first, issue])
      expect(
        world.comments.filter(
          (one) => one.issue === number && one.user === world.bot && one.body.includes('### Muster: '),
        ),
      ).toHaveLength(1)
    expect(world.issues.filter((one) => one.pull).map((one) => one.number)).toEqual([pullRequest])
    expect(world.checkRuns).toHaveLength(2)
    expect(new Set(world.checkRuns.map((run) => run.headSha)).size).toBe(2)
    expect(world.deployments).toHaveLength(2)
    // No turn was paid for twice: the story has each of them once, and the cost is the story's.
    expect(task.state.steps.reduce((sum, step) => sum + step.turns, 0)).toBe(summary.cost.turns)
    expect(api.violations).toEqual([])
  } finally {
    stopCustomers()
    await server.stop()
    await stage.close()
  }
})
