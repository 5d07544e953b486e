import { createHmac, randomUUID } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as clickupIn from '../../src/channels/clickup/normalise.ts'
import * as clickup from '../../src/channels/clickup/receive.ts'
import { renderComment } from '../../src/channels/clickup/render.ts'
import * as githubIn from '../../src/channels/github/normalise.ts'
import * as github from '../../src/channels/github/receive.ts'
import { renderMarkdown } from '../../src/channels/github/render.ts'
import * as jiraIn from '../../src/channels/jira/normalise.ts'
import * as jira from '../../src/channels/jira/receive.ts'
import { renderAdf } from '../../src/channels/jira/render.ts'
import * as slackIn from '../../src/channels/slack/normalise.ts'
import * as slack from '../../src/channels/slack/receive.ts'
import { renderBlocks } from '../../src/channels/slack/render.ts'
import type { Received } from '../../src/channels/types.ts'
import { Answer, Design, ProofNote, ReworkNote, Spec } from '../../src/core/artefacts.ts'
import { findCommands } from '../../src/core/calls.ts'
import { referencesIn } from '../../src/core/references.ts'
import { richOf } from '../../src/core/reply/read.ts'
import { repositoriesIn } from '../../src/core/request.ts'
import { quoteBlock } from '../../src/core/sanitise.ts'
import { replyOf } from '../../src/llm/anthropic/client.ts'
import { ModelError } from '../../src/llm/types.ts'
import { runs } from '../support/amount.ts'
import { mess } from '../support/hostile.ts'
import {
  clickupComment,
  examples,
  jiraComment,
  jiraUpdate,
  slackButton,
  slackForm,
  slackHand,
  slackMessage,
  user,
  NOW,
} from '../support/samples.ts'
import { type Scene, soon, startScene } from '../support/scene.ts'

/** Generated inputs to everything that reads what comes from outside: nothing throws, nothing is left undecided, nothing stays in memory. */
const SECRET = 'a-secret-for-tests-only'
const hmac = (text: string | Buffer) => createHmac('sha256', SECRET).update(text).digest('hex')

const odd = fc.oneof(
  fc.constantFrom(
    null,
    true,
    0,
    -1,
    1e308,
    '',
    '\0',
    '\ud800',
    '__proto__',
    'constructor',
    '@muster deploy production',
    [],
    {},
    [[]],
    'x'.repeat(5000),
    '<@U1>',
    'null',
  ),
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
)
const change = fc.record({
  at: fc.array(fc.nat(30), { minLength: 1, maxLength: 6 }),
  value: odd,
  how: fc.constantFrom('set', 'set', 'drop', 'add'),
})

/** A payload with some of its values, wherever they stand, put in place of others. */
function mutated(sample: unknown, changes: readonly { at: readonly number[]; value: unknown; how: string }[]): unknown {
  const copy = structuredClone(sample)
  for (const { at, value, how } of changes) {
    let node: unknown = copy
    for (const [depth, step] of at.entries()) {
      if (typeof node !== 'object' || node === null) break
      const keys = Object.keys(node)
      const key = keys[step % Math.max(1, keys.length)]
      if (key === undefined) break
      const inner: unknown = Reflect.get(node, key)
      if (depth < at.length - 1 && typeof inner === 'object' && inner !== null) node = inner
      else {
        if (how === 'drop') Reflect.deleteProperty(node, key)
        // A copy: a value that is shared would be changed by the next change, and could end up holding itself.
        else Reflect.set(node, how === 'add' ? `${key}_` : key, structuredClone(value))
        break
      }
    }
  }
  return copy
}

/** What comes of a call: refused, or kept and read. Neither throws. */
function through(received: Received | Promise<Received>, read: (kind: string, body: Uint8Array) => object): void {
  if (received instanceof Promise) throw new Error('not here')
  if (!received.ok) {
    expect([400, 401]).toContain(received.status)
    return
  }
  if (!('arrival' in received)) return
  const { arrival } = received
  expect(arrival.deliveryId.length).toBeLessThanOrEqual(200)
  expect(JSON.stringify([arrival.deliveryId, arrival.kind, arrival.lane, arrival.account])).not.toMatch(/\\u0000/)
  const found = read(arrival.kind, arrival.body)
  expect(found).toBeTypeOf('object')
  expect(JSON.stringify(found)).not.toMatch(/\\u0000/)
}

const DOORS: Readonly<
  Record<string, { samples: readonly unknown[]; call: (payload: unknown, index: number) => void }>
> = {
  GitHub: {
    samples: examples.map(({ payload }) => payload),
    call(payload, index) {
      const body = Buffer.from(JSON.stringify(payload) ?? 'null')
      const headers = {
        'x-hub-signature-256': `sha256=${hmac(body)}`,
        'x-github-event': examples[index]?.name ?? 'issues',
        'x-github-delivery': randomUUID(),
      }
      through(github.receive(headers, body, SECRET), (kind, bytes) => githubIn.normalise(kind, bytes, '1'))
    },
  },
  Slack: {
    samples: [slackMessage, slackButton, slackHand, slackForm],
    call(payload, index) {
      const text = JSON.stringify(payload) ?? 'null'
      const form = index > 0
      const body = Buffer.from(form ? new URLSearchParams({ payload: text }).toString() : text)
      const at = String(NOW / 1000)
      const headers = {
        'content-type': form ? 'application/x-www-form-urlencoded' : 'application/json',
        'x-slack-request-timestamp': at,
        'x-slack-signature': `v0=${hmac(Buffer.concat([Buffer.from(`v0:${at}:`), body]))}`,
      }
      through(slack.receive(headers, body, SECRET, NOW), (_kind, bytes) => slackIn.normalise(bytes))
    },
  },
  Jira: {
    samples: [jiraComment, jiraUpdate, { ...jiraComment, comment: undefined, webhookEvent: 'jira:issue_created' }],
    call(payload) {
      const body = Buffer.from(JSON.stringify(payload) ?? 'null')
      through(jira.receive({ 'x-hub-signature': `sha256=${hmac(body)}` }, body, SECRET), (_kind, bytes) =>
        jiraIn.normalise(bytes, 'me'),
      )
    },
  },
  ClickUp: {
    samples: [
      clickupComment,
      { ...clickupComment, event: 'taskTagUpdated' },
      { ...clickupComment, event: 'taskAssigneeUpdated' },
    ],
    call(payload) {
      const body = Buffer.from(JSON.stringify(payload) ?? 'null')
      through(clickup.receive({ 'x-signature': hmac(body) }, body, SECRET, '9'), (_kind, bytes) =>
        clickupIn.normalise(bytes, '9', '1'),
      )
    },
  },
}

setFlagsFromString('--expose_gc')
const collect = runInNewContext('gc') as () => void
/** Megabytes that are still there after everything that can be given back was. */
function heap(): number {
  collect()
  return process.memoryUsage().heapUsed / 1e6
}

const COUNT = runs(100_000, 3000)

describe('generated inputs', { timeout: 900_000 }, () => {
  it.each(Object.entries(DOORS))('%s: whatever a webhook holds, it is refused or read', (_name, { samples, call }) => {
    const input = fc.tuple(fc.nat(samples.length - 1), fc.array(change, { maxLength: 4 }))
    const half = () =>
      fc.assert(
        fc.property(input, ([index, changes]) => call(mutated(samples[index], changes), index)),
        { numRuns: COUNT / 2 },
      )
    half()
    const before = heap()
    half()
    expect(heap() - before).toBeLessThan(20)
  })

  it('texts: whatever somebody writes, it is read and shown', () => {
    const text = fc.oneof(
      mess,
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.string({ unit: 'grapheme', maxLength: 300 }),
    )
    const how = { redact: (one: string) => one }
    const half = () =>
      fc.assert(
        fc.property(text, (one) => {
          findCommands(one, ['muster'])
          referencesIn(one)
          repositoriesIn(one)
          quoteBlock('issue', one, 'a1')
          const document = [{ kind: 'paragraph', text: one }] as const
          const rich = richOf(document, how)
          renderMarkdown(document, how)
          renderBlocks(rich)
          renderAdf(rich)
          renderComment(rich)
        }),
        { numRuns: COUNT / 2 },
      )
    half()
    const before = heap()
    half()
    expect(heap() - before).toBeLessThan(20)
  })

  it('models: whatever a provider answers, it is an answer or an error of the provider', () => {
    const usage = { input_tokens: 1, output_tokens: 1, cache_read_input_tokens: null, cache_creation_input_tokens: 0 }
    const sample = {
      model: 'm',
      stop_reason: 'tool_use',
      content: [
        { type: 'text', text: 'x' },
        { type: 'tool_use', id: 't', name: 'finish', input: { title: 'x' } },
        { type: 'thinking', thinking: 'x', signature: 's' },
      ],
      usage,
    }
    const spec = {
      title: 't',
      kind: 'bugfix',
      problem: 'p',
      acceptance: ['a'],
      outOfScope: [],
      questions: [],
      risk: 'low',
      riskReason: 'r',
    }
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
        try {
          const { blocks, usage: used } = replyOf(mutated(sample, changes))
          expect(Object.values(used).every((count) => Number.isInteger(count) && count >= 0)).toBe(true)
          for (const block of blocks) expect(['text', 'tool_use', 'opaque']).toContain(block.type)
        } catch (error) {
          expect(error).toBeInstanceOf(ModelError)
        }
        const artefact = mutated(spec, changes)
        for (const schema of [Spec, Design, Answer, ProofNote, ReworkNote]) schema.safeParse(artefact)
      }),
      { numRuns: COUNT },
    )
  })
})

describe('over HTTP', () => {
  let scene: Scene
  beforeAll(async () => {
    scene = await startScene({ slack: true, jira: true, clickup: true })
  })
  afterAll(() => scene.stop())

  it('nothing is a 5xx, and everything that is kept is decided', { timeout: 900_000 }, async () => {
    const { secret, paths } = {
      secret: scene.stage.world.app.webhookSecret,
      paths: '/api/github/webhooks',
    }
    const inputs = fc.sample(
      fc.tuple(fc.nat(examples.length - 1), fc.array(change, { minLength: 1, maxLength: 4 })),
      runs(5000, 200),
    )
    const deliveries: string[] = []
    for (const [index, changes] of inputs) {
      const example = examples[index]
      const body = JSON.stringify(mutated({ ...example?.payload, sender: user }, changes)) ?? 'null'
      const delivery = randomUUID()
      const answer = await fetch(`${scene.url}${paths}`, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          'x-github-event': example?.name ?? '',
          'x-github-delivery': delivery,
          'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
        },
      })
      expect(answer.status, body.slice(0, 300)).toBe(202)
      deliveries.push(delivery)
    }
    const open = async () => {
      const events = await Promise.all(deliveries.slice(-50).map((one) => scene.events(`&deliveryId=${one}`)))
      return events.flat().filter(({ decision }) => !decision || decision.reason === 'will_retry')
    }
    await soon(open, 300_000).toEqual([])
    expect((await fetch(`${scene.url}/readyz`)).status).toBe(200)
  })
})
