import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { runAgent } from '../../src/agent/loop.ts'
import type { AgentJob, Journal, JournalTurn } from '../../src/agent/types.ts'
import { ModelError, type ModelProvider, type ModelReply, type ModelRequest } from '../../src/llm/types.ts'
import type { Tool } from '../../src/tools/types.ts'
import { routerOver } from '../support/router.ts'
import { NO_OUTFIT } from '../../src/workspace/types.ts'

const Artefact = z.object({ answer: z.number() })
type Artefact = z.infer<typeof Artefact>
const usage = { inputTokens: 100_000, outputTokens: 10_000, cacheReadTokens: 0, cacheWriteTokens: 0 }
const call = (name: string, input: unknown = {}, id = name): ModelReply => ({
  model: 'claude-opus-5-5',
  blocks: [{ type: 'tool_use', id, name, input }],
  stop: 'tools',
  usage,
})
const say = (text: string): ModelReply => ({
  model: 'claude-opus-5-5',
  blocks: text ? [{ type: 'text', text }] : [],
  stop: 'end',
  usage,
})

/** A model that answers from a list, and notes what it was asked. */
function scripted(replies: readonly (ModelReply | Error)[]): ModelProvider & { asked: ModelRequest[] } {
  const asked: ModelRequest[] = []
  return {
    asked,
    complete(request) {
      asked.push(request)
      const reply = replies[asked.length - 1]
      return reply instanceof Error || !reply
        ? Promise.reject(reply ?? new Error('asked too often'))
        : Promise.resolve(reply)
    },
  }
}

function memory(
  past: JournalTurn[] = [],
): Journal & { turns: { reply: ModelReply; results?: unknown }[]; usd: number } {
  const turns: { reply: ModelReply; results?: unknown }[] = []
  return {
    turns,
    usd: 0,
    load: () => Promise.resolve(past),
    saveReply(_ordinal, { reply, usd }) {
      turns.push({ reply })
      this.usd += usd
      return Promise.resolve()
    },
    saveResults(_ordinal, results) {
      Object.assign(turns.at(-1) ?? {}, { results })
      return Promise.resolve()
    },
  }
}

function tool(name: string, changesTree: boolean, log: string[]): Tool {
  return {
    name,
    description: name,
    permission: 'run',
    changesTree,
    input: z.object({}),
    call: () => Promise.resolve({ text: `${name} ${log.push(name)}`, isError: false }),
  }
}

const ANTHROPIC = { provider: 'anthropic', model: 'm' } as const
const log: string[] = []
const checkout = {
  dir: '',
  sha: '',
  run: () => Promise.reject(new Error('x')),
  diff: () => Promise.reject(new Error('x')),
  disregard: () => Promise.reject(new Error('none')),
  isSetUp: false,
  outfit: NO_OUTFIT,
  exec: () => Promise.reject(new Error('none')),
  switchTo: async () => {},
  fillFrom: async () => {},
  others: [],
  settle: () => Promise.reject(new Error('none')),
  keepBuilt: () => Promise.reject(new Error('none')),
  dispose: () => Promise.resolve(),
}
const job = (extra: Partial<AgentJob<Artefact>> = {}): AgentJob<Artefact> => ({
  role: 'sd',
  step: 'build',
  attempt: 1,
  needs: { tier: 'complex', privacy: 'any' },
  system: 's',
  prompt: 'p',
  tools: [tool('look', false, log), tool('change', true, log)],
  context: { checkout, timeoutMs: 1, mayWrite: () => ({ ok: true, detail: '' }) },
  artefact: Artefact,
  ...extra,
})
const deps = (
  provider: ModelProvider,
  journal: Journal,
  limits: Partial<Parameters<typeof runAgent>[1]['limits']> = {},
) => ({
  taskId: 't',
  router: routerOver(provider),
  journal,
  limits: { turns: 10, ms: 60_000, usd: 100, capUsd: 100, more: async () => 0, ...limits },
  signal: new AbortController().signal,
  now: () => 0,
  sleep: () => Promise.resolve(),
  random: () => 0,
  onBusy: () => {},
})

describe('the agent loop', () => {
  it('acts, observes, and hands over a checked artefact', async () => {
    log.length = 0
    const model = scripted([
      call('look'),
      call('change'),
      call('finish', { answer: 'x' }),
      call('finish', { answer: 7 }),
    ])
    const journal = memory()
    expect(await runAgent(job(), deps(model, journal))).toEqual({ kind: 'finished', artefact: { answer: 7 } })
    expect(log).toEqual(['look', 'change'])
    expect(JSON.stringify(model.asked[3]?.messages)).toContain('the result is not complete')
    expect(journal.turns).toHaveLength(4)
    expect(journal.usd).toBeCloseTo(4 * (0.4 + 0.2))
  })

  it('after a crash pays for no turn again, and does again only what changed the tree', async () => {
    log.length = 0
    const past: JournalTurn[] = [
      { reply: call('look'), by: ANTHROPIC, results: [{ id: 'look', text: 'as it was seen', isError: false }] },
      { reply: call('change'), by: ANTHROPIC, results: [{ id: 'change', text: 'as it was changed', isError: false }] },
      { reply: call('look', {}, 'look2'), by: ANTHROPIC, results: undefined },
    ]
    const model = scripted([call('finish', { answer: 1 })])
    const journal = memory(past)
    expect((await runAgent(job(), deps(model, journal))).kind).toBe('finished')
    expect(log).toEqual(['change', 'look'])
    expect(model.asked).toHaveLength(1)
    expect(journal.turns).toHaveLength(1)
    expect(JSON.stringify(model.asked[0]?.messages)).toContain('as it was changed')
  })

  it('stops at its limits: turns, money, words without deeds, refusal', async () => {
    expect(
      await runAgent(job(), deps(scripted(Array.from({ length: 20 }, () => call('look'))), memory(), { turns: 3 })),
    ).toEqual({ kind: 'limit', what: 'turns' })
    expect(
      await runAgent(job(), deps(scripted(Array.from({ length: 20 }, () => call('look'))), memory(), { usd: 1 })),
    ).toEqual({ kind: 'budget' })
    expect(await runAgent(job(), deps(scripted([]), memory(), { usd: 0 }))).toEqual({ kind: 'budget' })
    expect(await runAgent(job(), deps(scripted([say('hm'), say(''), say('well')]), memory()))).toEqual({
      kind: 'limit',
      what: 'format',
    })
    expect(await runAgent(job(), deps(scripted([{ ...say('no'), stop: 'refusal' }]), memory()))).toEqual({
      kind: 'limit',
      what: 'refusal',
    })
  })

  it('tells the model once that the money is running out', async () => {
    const model = scripted([call('look'), call('look'), call('look'), call('finish', { answer: 1 })])
    await runAgent(job(), deps(model, memory(), { usd: 1.9, capUsd: 2 }))
    const notes = model.asked.map(
      (request) =>
        request.messages.filter((message) => message.role === 'tools' && message.note?.includes('Wrap up')).length,
    )
    expect(notes).toEqual([0, 0, 0, 1])
  })

  it('sends a result back when the host objects, and never takes it unchecked', async () => {
    const finish = call('finish', { answer: 1 })
    const check = () => Promise.resolve({ text: 'the tests fail', isError: true })
    const model = scripted(Array.from({ length: 9 }, () => finish))
    expect(await runAgent(job({ check }), deps(model, memory()))).toMatchObject({
      kind: 'limit',
      what: 'checks',
      detail: 'the tests fail',
    })
    expect(model.asked).toHaveLength(6)
  })

  it('has what is no such result mended twice, and no more', async () => {
    const model = scripted(Array.from({ length: 9 }, () => call('finish', { answer: 'x' })))
    const ended = await runAgent(job(), deps(model, memory()))
    expect(ended).toMatchObject({ kind: 'limit', what: 'artefact' })
    expect(JSON.stringify(ended)).toContain('answer')
    expect(model.asked).toHaveLength(3)
    // What stands in the journal of an attempt that a crash ended counts, too.
    const results = [{ id: 'finish', text: 'the result is not complete: x', isError: true }]
    const past = [1, 2].map(() => ({ reply: call('finish', { answer: 'x' }), by: ANTHROPIC, results }))
    const again = scripted(Array.from({ length: 9 }, () => call('finish', { answer: 'x' })))
    expect(await runAgent(job(), deps(again, memory(past)))).toMatchObject({ kind: 'limit', what: 'artefact' })
    expect(again.asked).toHaveLength(1)
  })

  it('asks a busy provider again, and gives up on a bad key at once', async () => {
    const busy = new ModelError('busy', 'overloaded')
    expect((await runAgent(job(), deps(scripted([busy, busy, call('finish', { answer: 1 })]), memory()))).kind).toBe(
      'finished',
    )
    await expect(runAgent(job(), deps(scripted([new ModelError('key', 'no')]), memory()))).rejects.toThrow('no')
  })

  it('carries out nothing that counts on what failed before it in the same answer', async () => {
    log.length = 0
    const failing: Tool = {
      ...tool('change', true, log),
      call: () => Promise.resolve({ text: 'no such text', isError: true }),
    }
    const both: ModelReply = {
      ...call('change'),
      blocks: [
        { type: 'tool_use', id: 'a', name: 'change', input: {} },
        { type: 'tool_use', id: 'b', name: 'look', input: {} },
        { type: 'tool_use', id: 'c', name: 'run', input: {} },
        { type: 'tool_use', id: 'd', name: 'finish', input: { answer: 1 } },
      ],
    }
    const model = scripted([both, call('finish', { answer: 2 })])
    const tools = [failing, tool('look', false, log), tool('run', true, log)]
    expect(await runAgent(job({ tools }), deps(model, memory()))).toEqual({ kind: 'finished', artefact: { answer: 2 } })
    expect(log).toEqual(['look'])
    const told = JSON.stringify(model.asked[1]?.messages)
    expect(told.match(/not done: `change` before it/g)).toHaveLength(2)
    // Done again after a crash, the same is left out.
    log.length = 0
    const results = [
      { id: 'a', text: 'no such text', isError: true },
      { id: 'b', text: 'look 1', isError: false },
      { id: 'c', text: 'not done: `change` before it in the same answer failed', isError: true },
      { id: 'd', text: 'not done: `change` before it in the same answer failed', isError: true },
    ]
    const again = scripted([call('finish', { answer: 2 })])
    await runAgent(job({ tools }), deps(again, memory([{ reply: both, by: ANTHROPIC, results }])))
    expect(log).toEqual([])
  })

  it('tells what people say meanwhile before the next call, once, and again after a crash', async () => {
    const news = ['Leave the tests alone.']
    const model = scripted([call('look'), call('look', {}, 'b'), call('finish', { answer: 1 })])
    const saved: (string | undefined)[] = []
    const journal = memory()
    const saving: Journal = {
      ...journal,
      saveReply: (ordinal, answered, opening) => {
        saved.push(opening)
        return journal.saveReply(ordinal, answered, opening)
      },
    }
    await runAgent(job(), { ...deps(model, saving), news: async () => news.pop() })
    expect(model.asked.map(({ messages }) => JSON.stringify(messages).split('Leave the tests').length - 1)).toEqual([
      0, 1, 1,
    ])
    expect(saved).toEqual([expect.stringContaining('You have at most'), 'Leave the tests alone.', undefined])
    const past: JournalTurn[] = [
      {
        opening: 'p as it was',
        reply: call('look'),
        by: ANTHROPIC,
        results: [{ id: 'look', text: 'x', isError: false }],
      },
      {
        opening: 'Leave them.',
        reply: call('look', {}, 'b'),
        by: ANTHROPIC,
        results: [{ id: 'b', text: 'x', isError: false }],
      },
    ]
    const again = scripted([call('finish', { answer: 1 })])
    await runAgent(job(), { ...deps(again, memory(past)), news: async () => undefined })
    expect(again.asked[0]?.messages.map((one) => (one.role === 'user' ? one.text : one.role))).toEqual([
      'p as it was',
      'assistant',
      'tools',
      'Leave them.',
      'assistant',
      'tools',
    ])
  })

  it('says that it goes round in circles, and ends where it goes on with that', async () => {
    const same: Tool = {
      ...tool('look', false, log),
      call: () => Promise.resolve({ text: 'the same', isError: false }),
    }
    const model = scripted(Array.from({ length: 20 }, () => call('look')))
    expect(await runAgent(job({ tools: [same] }), deps(model, memory()))).toEqual({ kind: 'limit', what: 'stuck' })
    expect(model.asked).toHaveLength(6)
    const told = model.asked.map(({ messages }) => JSON.stringify(messages).split('This gets nowhere').length - 1)
    expect(told).toEqual([0, 0, 0, 1, 1, 1])
  })

  it('is told of another circle, once it has left the first', async () => {
    const same = (name: string): Tool => ({
      ...tool(name, false, log),
      call: () => Promise.resolve({ text: 'the same', isError: false }),
    })
    const [look, walk] = [Array.from({ length: 3 }, () => call('look')), Array.from({ length: 20 }, () => call('walk'))]
    const between = Array.from({ length: 3 }, (_, nth) => call('look', { text: String(nth) }))
    const model = scripted([...look, ...between, ...walk])
    const tools = [same('look'), same('walk')]
    expect(await runAgent(job({ tools }), deps(model, memory(), { turns: 30 }))).toEqual({
      kind: 'limit',
      what: 'stuck',
    })
    const told = model.asked.map(({ messages }) => JSON.stringify(messages).split('This gets nowhere').length - 1)
    expect(told).toEqual([0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2])
  })

  it('knows no tool that was not given', async () => {
    const model = scripted([call('rm_rf'), call('finish', { answer: 1 })])
    await runAgent(job(), deps(model, memory()))
    expect(JSON.stringify(model.asked[1]?.messages)).toContain('there is no tool rm_rf')
  })
})
