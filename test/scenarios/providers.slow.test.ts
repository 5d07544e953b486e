import { createServer, type Server } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { type Answerer, type ModelServer, startModelServer } from '../../rehearsal/models/server.ts'
import type { Question, Saying } from '../../rehearsal/models/types.ts'
import { goodModel, roleOf } from '../support/model.ts'
import { type Scene, soon, startScene } from '../support/scene.ts'

let scene: Scene | undefined
const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  await scene?.stop()
  scene = undefined
  for (const close of closing.splice(0)) await close()
})

async function serverOf(answer: Answerer): Promise<ModelServer> {
  const server = await startModelServer(answer)
  closing.push(() => server.close())
  return server
}

const CLAUDE = 'anthropic:claude-opus-5-5'
const GPT = 'openai:gpt-5.6-sol'

/** SD looks twice before it works, so that there is a middle. */
function slowModel(question: Question): Saying {
  if (roleOf(question) !== 'sd') return goodModel(question)
  // Told in words, the turns of another are not counted any more.
  const text = question.texts.join('\n')
  const done = (what: string) => text.includes(what)
  if (!done('README.md')) return { thinking: 'sealed', tools: [{ name: 'list', input: {} }] }
  return goodModel({ ...question, turn: done('tiers.test.ts') ? 2 : 1 })
}

const scenes: Scene[] = []

/** What happened in a task, without what may be different: times, ids, commits, and what it cost. */
async function storyOf({ url, task }: Scene): Promise<unknown[]> {
  const { id } = await task()
  const answer = await fetch(`${url}/api/v1/tasks/${id}/events?limit=500`)
  const { items } = (await answer.json()) as { items: { type: string; data: Record<string, unknown> }[] }
  return items
    .filter(({ type }) => type !== 'turn' && type !== 'turn.made')
    .map(({ type, data }) => [type, data['step'] ?? '', data['kind'] ?? '', data['outcome'] ?? ''])
}

async function played(model: Answerer, env: Readonly<Record<string, string>>): Promise<unknown[]> {
  scene = await startScene({ model, env })
  scenes.push(scene)
  const { people } = scene.stage
  const issue = await people.openIssue('alice', 'Orders of 10 bolts are charged wrong', 'Mend it.')
  await people.label('alice', issue.number, 'muster')
  await soon(async () => (await scene?.task())?.state.pullRequest?.draft).toBe(false)
  const story = await storyOf(scene)
  await scene.stop()
  scene = undefined
  return story
}

const openaiEnv = (server: ModelServer, api: 'responses' | 'chat', order: string) => ({
  ...server.env(api),
  MUSTER_MODELS: `complex=${order},general=${order},simple=${order}`,
})

type Start = 'anthropic' | 'responses' | 'chat'
type Fault = 'none' | 'is down at first' | 'goes down in the middle' | 'has no credit in the middle'
const STARTS: readonly Start[] = ['anthropic', 'responses', 'chat']
const FAULTS: readonly Fault[] = ['none', 'is down at first', 'goes down in the middle', 'has no credit in the middle']

/** How one that fails answers. */
const FAILING: Readonly<Record<Fault, (question: Question) => Saying>> = {
  none: slowModel,
  'is down at first': () => ({ status: 529 }),
  'goes down in the middle': (question) =>
    roleOf(question) === 'sd' && question.turn > 1 ? { status: 503 } : slowModel(question),
  'has no credit in the middle': (question) =>
    roleOf(question) === 'sd' && question.turn > 1
      ? {
          status: 429,
          body: {
            type: 'error',
            error: { type: 'insufficient_quota', code: 'insufficient_quota', message: 'spend_limit' },
          },
        }
      : slowModel(question),
}

it('a task has the same history whichever provider begins it and whatever becomes of that one', {
  timeout: 900_000,
}, async () => {
  const stories = new Map<string, unknown[]>()
  for (const start of STARTS)
    for (const fault of FAULTS) {
      const other = await serverOf(slowModel)
      const first = FAILING[fault]
      const story =
        start === 'anthropic'
          ? await played(first, openaiEnv(other, 'responses', `${CLAUDE}|${GPT}`))
          : await (async () => {
              const openai = await serverOf(first)
              return played(slowModel, openaiEnv(openai, start, `${GPT}|${CLAUDE}`))
            })()
      stories.set(`${start}, ${fault}`, story)
      // Whoever stands in is asked then, and not before; in the middle of a step it is told what was done.
      const helped = start === 'anthropic' ? other.asked : (scenes.at(-1)?.model.asked ?? [])
      expect(helped.length > 0, `${start}, ${fault}`).toBe(fault !== 'none')
      expect(JSON.stringify(helped).includes('What was done so far'), `${start}, ${fault}`).toBe(/middle/.test(fault))
    }
  const [expected] = stories.values()
  expect(expected?.length).toBeGreaterThan(10)
  for (const [name, story] of stories) expect(story, name).toEqual(expected)
})

/** A service that counts what arrives. */
async function listening(): Promise<{ url: string; bytes: () => number }> {
  let bytes = 0
  const server: Server = createServer((socket) => {
    bytes++
    socket.on('data', (data) => (bytes += data.length))
    socket.on('error', () => {})
  })
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done))
  closing.push(() => new Promise((done) => server.close(done)))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bytes: () => bytes }
}

it('what wants to stay is told to local models alone: no other service sees one byte, whatever fails', async () => {
  const [anthropic, openai] = [await listening(), await listening()]
  let failures = 0
  const local = await serverOf((question) => (failures++ === 1 ? { status: 503 } : slowModel(question)))
  const privacy = (port: number) =>
    `approve_plan: never\nprivacy: local\nreview: { quiet: 1s }\nenvironments:\n  production: { start: node src/server.ts, port: ${port || 8080}, watch: 2s }\n`
  scene = await startScene({
    settings: privacy,
    env: {
      ANTHROPIC_BASE_URL: anthropic.url,
      OPENAI_BASE_URL: openai.url,
      OPENAI_API_KEY: 'k',
      LOCAL_MODEL_URL: `${local.url}/v1`,
      MUSTER_MODELS: `complex=${CLAUDE}|${GPT}|local:qwen,general=${GPT}|${CLAUDE},simple=local:qwen`,
    },
  })
  const { people } = scene.stage
  const issue = await people.openIssue('alice', 'Orders of 10 bolts are charged wrong', 'Mend it.')
  await people.label('alice', issue.number, 'muster')
  await soon(async () => (await scene?.task())?.state.pullRequest?.draft).toBe(false)
  await people.comment('alice', issue.number, '@muster ask Where is the price list read?')
  await soon(() => local.asked.length).toBeGreaterThan(6)
  expect([anthropic.bytes(), openai.bytes()]).toEqual([0, 0])
})
