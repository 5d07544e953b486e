import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { attach } from '../../rehearsal/github/attachments.ts'
import { type Asked, goodModel, isPlan, roleOf, type Reply } from '../support/model.ts'
import { type Scene, type SceneOptions, soon, startScene } from '../support/scene.ts'

let scene: Scene | undefined
afterEach(async () => {
  await scene?.stop()
  scene = undefined
})

/** A picture of one point. */
const PIXEL = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')

const TOGETHER = (port: number) =>
  `approve_plan: never\nplanning: together\nreview: { quiet: 1s }\nenvironments:\n  production: { start: node src/server.ts, port: ${port || 8080}, watch: 2s }\n`

/** Looks once, then plans. */
function model(asked: Asked): Reply {
  return isPlan(asked) && asked.turn === 1
    ? { tools: [{ name: 'read', input: { path: 'src/catalogue.ts', from: 1, lines: 90 } }] }
    : goodModel(asked)
}

async function ready(options: SceneOptions = {}) {
  scene = await startScene({ settings: TOGETHER, model, ...options })
  const { people } = scene.stage
  const issue = await people.openIssue('alice', 'Orders of 10 bolts are charged wrong', 'See `loadCatalogue`.')
  await people.label('alice', issue.number, 'muster')
  await soon(async () => (await scene?.task())?.state.pullRequest?.draft).toBe(false)
  return { scene, issue: issue.number }
}

/** The parts of a request that a prompt cache compares, from the beginning on, in the order in which they were sent. */
function beginning(asked: Asked | undefined) {
  const text = JSON.stringify(asked?.body).replaceAll(/,?"cache_control":\{[^}]*\}/g, '')
  const { tools, system, messages } = JSON.parse(text) as { tools: object[]; system: object[]; messages: object[] }
  return {
    tools: JSON.stringify(tools),
    system: JSON.stringify(system),
    messages: messages.map((one) => JSON.stringify(one)),
  }
}

it('a small request takes four turns: a look, a plan, the change, the judgement; SD goes on where the plan was made', async () => {
  const { scene: here } = await ready()
  const { asked } = here.model
  const { state } = await here.task()
  expect(state.steps.map(({ id, status }) => `${id} ${status}`)).toEqual([
    'baseline done',
    'plan done',
    'build done',
    'prove done',
  ])
  expect(asked.map((one) => roleOf(one))).toEqual(['sa', 'sa', 'sd', 'sd', 'qa'])
  const [look, plan, change] = asked.map(beginning)
  // What was found before stands in front, word for word, tools and rules included: a prompt cache has it.
  expect(plan?.tools).toEqual(look?.tools)
  expect(change?.tools).toEqual(plan?.tools)
  expect(change?.system).toEqual(plan?.system)
  expect(change?.messages.slice(0, plan?.messages.length)).toEqual(plan?.messages)
  expect(asked[2]?.texts.at(-1)).toContain('The plan is accepted as you handed it over')
  // Whoever judges was not there.
  expect(JSON.stringify(asked[4]?.body)).not.toContain('The plan is accepted')
  // What was asked is shown with where its names stand.
  expect(asked[0]?.texts[0]).toMatch(/Where names of the request stand[\s\S]*src\/catalogue\.ts:\d+:.*loadCatalogue/)
})

it('the plan step changes nothing, whatever its model tries, and is not left by another way than its own', async () => {
  const tried: string[] = []
  const { scene: here } = await ready({
    model(asked) {
      if (!isPlan(asked) || asked.turn > 1) return model({ ...asked, turn: asked.turn + 1 })
      return {
        tools: [
          { name: 'finish', input: { title: 'x', summary: 'x', notDone: '' } },
          { name: 'write', input: { path: 'src/evil.ts', content: 'x' } },
        ],
      }
    },
  })
  tried.push(...here.model.asked.flatMap(({ texts }) => texts))
  expect(tried.join('\n')).toContain('what is wanted is handed over by `hand_over_plan`')
  expect(tried.join('\n')).toContain('the plan comes first')
  const { git } = await import('../../rehearsal/github/git.ts')
  const branch = (await here.task()).state.headSha ?? ''
  const files = await git(here.stage.repo.dir, ['diff', '--name-only', `main...${branch}`])
  expect(files.split('\n')).toEqual(['src/catalogue.ts', 'test/tiers.test.ts'])
})

it('what the planner leaves open is designed by itself, and SD is shown the files that the design names', async () => {
  const { scene: here } = await ready({
    model(asked) {
      const saying = model(asked)
      const [tool] = saying.tools ?? []
      return tool?.name === 'hand_over_plan'
        ? { tools: [{ ...tool, input: { ...(tool.input as object), design: null } }] }
        : saying
    },
  })
  const { state } = await here.task()
  expect(state.steps.map(({ id }) => id)).toEqual(['baseline', 'plan', 'design', 'build', 'prove'])
  const build = here.model.asked.find((one) => roleOf(one) === 'sd')
  expect(build?.texts[0]).toMatch(/Files that the design names[\s\S]*src\/catalogue\.ts, lines 1 to \d+/)
})

it('whoever plans sees the pictures of the issue, as far as its server stores them; nobody else is asked for any', async () => {
  const elsewhere: string[] = []
  const other = createServer((request, response) => {
    elsewhere.push(request.url ?? '')
    response.end()
  })
  await new Promise<void>((done) => void other.listen(0, '127.0.0.1', done))
  const { port } = other.address() as AddressInfo
  scene = await startScene({ settings: TOGETHER, model })
  const { people, world } = scene.stage
  const shown = attach(world, PIXEL)
  const none = attach(world, Buffer.from('no picture'))
  const body = `It looks like this:\n\n![screen](${shown})\n\n<img width="9" src="${none}">\n![x](http://127.0.0.1:${port}/spy.png)`
  const issue = await people.openIssue('alice', 'Orders of 10 bolts are charged wrong', body)
  await people.label('alice', issue.number, 'muster')
  await soon(async () => (await scene?.task())?.state.pullRequest?.draft).toBe(false)
  const { asked } = scene.model
  const bodies = asked.map((one) => JSON.stringify(one.body))
  expect(bodies.map((text) => text.split(PIXEL.toString('base64')).length - 1)).toEqual([1, 1, 0, 0, 0])
  expect(bodies[0]).toContain('"media_type":"image/gif"')
  expect(bodies[0]?.match(/"type":"image"/g)).toHaveLength(1)
  expect(elsewhere).toEqual([])
  other.close()
})
