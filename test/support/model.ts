import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A model server that speaks Anthropic's Messages API, answered by a function: for tests of what a story cannot show. */

export interface Asked {
  readonly system: string
  readonly tools: readonly string[]
  /** The text of the conversation, newest last. */
  readonly texts: readonly string[]
  readonly turn: number
}

export type Reply = {
  readonly tools?: readonly { readonly name: string; readonly input: unknown }[]
  readonly text?: string
  readonly status?: number
  readonly body?: unknown
  readonly delayMs?: number
  readonly outputTokens?: number
}

export interface TestModel {
  readonly url: string
  readonly asked: Asked[]
  close(): Promise<void>
}

interface Body {
  readonly model: string
  readonly max_tokens: number
  readonly stream: boolean
  readonly system: readonly { readonly text: string }[]
  readonly tools: readonly { readonly name: string }[]
  readonly messages: readonly {
    readonly role: string
    readonly content: readonly {
      readonly type: string
      readonly text?: string
      readonly content?: string
      readonly name?: string
    }[]
  }[]
}

export async function testModel(answer: (asked: Asked) => Reply | Promise<Reply>): Promise<TestModel> {
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    let raw = ''
    for await (const part of request) raw += String(part)
    if (request.url !== '/v1/messages') return void response.writeHead(404).end('{}')
    const body = JSON.parse(raw) as Body
    if (!body.max_tokens || !body.stream || body.messages.length === 0) return void response.writeHead(400).end('{}')
    const one: Asked = {
      system: body.system.map((part) => part.text).join('\n'),
      tools: body.tools.map((tool) => tool.name),
      turn: body.messages.filter((message) => message.role === 'assistant').length + 1,
      texts: body.messages.map((message) =>
        message.content.map((part) => part.text ?? part.content ?? part.name ?? '').join('\n'),
      ),
    }
    asked.push(one)
    const reply = await answer(one)
    if (reply.delayMs) await new Promise((done) => setTimeout(done, reply.delayMs))
    if (reply.status)
      return void response
        .writeHead(reply.status, { 'content-type': 'application/json' })
        .end(JSON.stringify(reply.body ?? { type: 'error', error: { type: 'error', message: 'x' } }))
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const send = (type: string, data: object) =>
      response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`)
    const blocks = [
      ...(reply.text ? [{ type: 'text', text: reply.text }] : []),
      ...(reply.tools ?? []).map((tool, index) => ({
        type: 'tool_use',
        id: `toolu_${asked.length}_${index}`,
        ...tool,
      })),
    ]
    send('message_start', {
      message: {
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        model: body.model,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: { input_tokens: 1000, output_tokens: 1, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 },
      },
    })
    blocks.forEach((block, index) => {
      const isText = 'text' in block
      send('content_block_start', {
        index,
        content_block: isText ? { type: 'text', text: '' } : { ...block, input: {} },
      })
      send('content_block_delta', {
        index,
        delta: isText
          ? { type: 'text_delta', text: block.text }
          : { type: 'input_json_delta', partial_json: JSON.stringify('input' in block ? block.input : {}) },
      })
      send('content_block_stop', { index })
    })
    send('message_delta', {
      delta: { stop_reason: reply.tools?.length ? 'tool_use' : 'end_turn', stop_sequence: null },
      usage: { output_tokens: reply.outputTokens ?? 100 },
    })
    send('message_stop', {})
    response.end()
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const close = async () => {
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, close }
}

/** Which role is being asked, by its charter. */
export function roleOf({ system }: Asked): 'pm' | 'sa' | 'sd' | 'qa' {
  const [, role] = /You are (PM|SA|SD|QA)\b/.exec(system) ?? []
  return (role?.toLowerCase() ?? 'pm') as 'pm' | 'sa' | 'sd' | 'qa'
}

export const SPEC = {
  title: 'Charge the right tier',
  kind: 'bugfix',
  problem: 'Wrong price.',
  acceptance: ['12 bolts cost 3.84'],
  outOfScope: [],
  questions: [],
  risk: 'low',
  riskReason: 'small',
}
export const DESIGN = {
  approach: 'Sort by number.',
  files: [{ path: 'src/catalogue.ts', why: 'the cause' }],
  tests: 'quote of 12',
  slices: [{ title: 'all', files: [] }],
  filesAtRisk: [],
  quote: { usd: { low: 0.1, high: 0.5 }, minutes: { low: 1, high: 3 }, confidence: 'high' },
}
export const QA_YES = { criteria: [{ number: 1, met: 'yes', evidence: 'the test' }], review: [], remarks: '' }
const TEST_FILE = `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadCatalogue } from '../src/catalogue.ts'
import { quote } from '../src/quote.ts'

test('12 bolts get the price for 10', () => {
  assert.equal(quote(loadCatalogue(new URL('../data/prices.csv', import.meta.url)).get('bolt-m8') ?? [], 12).total, 384)
})
`
export const WRITE_TEST = { name: 'write', input: { path: 'test/tiers.test.ts', content: TEST_FILE } }
export const FIX = {
  name: 'edit',
  input: { path: 'src/catalogue.ts', old: '(a.from < b.from ? -1 : 1)', new: 'Number(a.from) - Number(b.from)' },
}
export const DONE = {
  name: 'finish',
  input: { title: 'Sort tiers by number', summary: 'They were sorted as text.', notDone: '', answers: [] },
}

/** A model that does good work without much ado. */
export function goodModel(asked: Asked): Reply {
  switch (roleOf(asked)) {
    case 'pm':
      return { tools: [{ name: 'finish', input: SPEC }] }
    case 'sa':
      return { tools: [{ name: 'finish', input: DESIGN }] }
    case 'qa':
      return { tools: [{ name: 'finish', input: QA_YES }] }
    case 'sd':
      return asked.turn === 1 ? { tools: [WRITE_TEST, FIX] } : { tools: [DONE] }
  }
}
