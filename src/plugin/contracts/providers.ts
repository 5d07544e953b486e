import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Env, EnvProblem } from '../../core/environment.ts'
import type { ProviderModule, ProviderSetup } from '../../llm/module.ts'
import { type Message, ModelError, type ModelRequest } from '../../llm/types.ts'
import { checks, type ContractCheck } from './check.ts'

/** An answer of the vendor's service. */
export interface VendorAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body: string
}

/** What a provider is put to the test with. */
export interface ProviderBench {
  /** The environment that sets it up. @param url where its service is */
  readonly env: (url: string) => Env
  /** What its service answers: the tool `look` called with `{ path: 'a' }`; the text `hello`; a cut answer; an error. */
  readonly answers: Readonly<Record<'tool' | 'text' | 'cut' | 'denied' | 'busy' | 'broken', VendorAnswer>>
}

const REQUEST: Omit<ModelRequest, 'provider' | 'signal'> = {
  model: 'm',
  maxTokens: 100,
  system: 'You are PM',
  tools: [{ name: 'look', description: 'Looks.', input: { type: 'object', properties: { path: { type: 'string' } } } }],
  messages: [{ role: 'user', text: 'Look at a.' }],
  origin: { taskId: 't', role: 'pm', step: 'spec', attempt: 1, turn: 1 },
}

/** What a provider owes (the same for every provider). */
export function providerContract(module: ProviderModule, bench: ProviderBench): readonly ContractCheck[] {
  const ask = async (kind: keyof ProviderBench['answers'], signal = new AbortController().signal) => {
    const service = await served(bench.answers[kind])
    try {
      const provider = await setUp(module, bench.env(service.url)).open()
      return await provider.complete({ ...REQUEST, provider: module.name, signal })
    } finally {
      service.close()
    }
  }
  const failure = async (kind: keyof ProviderBench['answers']): Promise<ModelError> => {
    const error: unknown = await ask(kind).catch((caught: unknown) => caught)
    assert.ok(error instanceof ModelError, `${kind}: ${String(error)} is no ModelError`)
    return error
  }

  return checks({
    'is off where nothing of it is set, and says what is wanted': () => {
      const problems: EnvProblem[] = []
      assert.equal(module.settings({}, problems), undefined)
      assert.deepEqual(problems, [])
      assert.match(module.needs, /^[A-Z][A-Z0-9_]+$/)
    },
    'names every variable that it reads': () => {
      const read = new Set<string>()
      const env = bench.env('http://127.0.0.1:9')
      const watched = new Proxy(env, {
        get: (all, name) => {
          if (typeof name === 'string') read.add(name)
          return typeof name === 'string' ? all[name] : undefined
        },
      })
      module.settings(watched, [])
      const own = [module.needs, ...read].filter((name) => !name.startsWith('MUSTER_'))
      for (const name of own) assert.ok(module.variables.includes(name), `${name} is not named`)
    },
    'keeps its keys from being shown, and says whom it asks': () => {
      const env = bench.env('http://127.0.0.1:9')
      const { secrets, addresses } = setUp(module, env)
      for (const [variable, value] of Object.entries(env))
        if (value && /KEY|TOKEN|SECRET/.test(variable)) assert.ok(secrets.includes(value), `${variable} may be shown`)
      for (const [variable, url] of addresses) assert.ok(URL.canParse(url), `${variable} is no address`)
      assert.ok(addresses.length > 0)
    },
    'knows what its models can do, and prices are no gifts': () => {
      assert.ok(module.capabilities.outputTokens >= 1000)
      const price = module.priceOf('a model that nobody knows')
      for (const sum of price ? [price.input, price.output] : []) assert.ok(sum >= 0)
    },
    'brings what a model says: words, calls of tools, and what they took': async () => {
      const words = await ask('text')
      assert.deepEqual(
        words.blocks.filter(({ type }) => type === 'text'),
        [{ type: 'text', text: 'hello' }],
      )
      assert.equal(words.stop, 'end')
      const called = await ask('tool')
      const call = called.blocks.find((block) => block.type === 'tool_use')
      assert.deepEqual(call && [call.name, call.input], ['look', { path: 'a' }])
      assert.ok(call && call.id !== '')
      assert.equal(called.stop, 'tools')
      for (const reply of [words, called]) {
        assert.ok(reply.usage.inputTokens > 0 && reply.usage.outputTokens > 0, 'nobody would know what it cost')
        assert.notEqual(reply.model, '')
      }
    },
    'shows pictures where its models see them': async () => {
      if (!module.capabilities.pictures) return
      const bodies: string[] = []
      const service = await served(bench.answers.text, (body) => void bodies.push(body))
      const provider = await setUp(module, bench.env(service.url)).open()
      const signal = new AbortController().signal
      await provider.complete({ ...REQUEST, messages: withPicture(module.name), provider: module.name, signal })
      service.close()
      assert.ok(
        bodies.some((body) => body.includes(PIXEL)),
        'the picture is not in what it asks',
      )
      assert.ok(
        bodies.some((body) => body.includes('image/gif')),
        'it does not say what the picture is',
      )
    },
    'tells an answer that was cut from one that is whole': async () => {
      assert.equal((await ask('cut')).stop, 'length')
    },
    'tells a key that is not accepted, with what to do': async () => {
      const { kind, hint } = await failure('denied')
      assert.equal(kind, 'key')
      assert.ok(hint?.includes(module.needs), `${hint ?? 'no hint'} does not name ${module.needs}`)
    },
    'tells that it is overloaded, and for how long': async () => {
      const { kind, retryAfterMs } = await failure('busy')
      assert.deepEqual([kind, retryAfterMs], ['busy', 7000])
    },
    'takes nothing for an answer that is none': async () => {
      assert.ok(['busy', 'request'].includes((await failure('broken')).kind))
    },
    'stops when it is told to': async () => {
      const stopped = new AbortController()
      const reason = new Error('stopped')
      stopped.abort(reason)
      await assert.rejects(ask('text', stopped.signal), (error) => error === reason)
    },
    'says whether its service answers': async () => {
      const service = await served(bench.answers.denied)
      const look = () => setUp(module, bench.env(service.url)).look()
      assert.equal((await look()).state, 'problem')
      service.close()
      const { state, fix } = await look()
      assert.equal(state, 'problem')
      assert.ok(fix, 'it does not say what to do')
    },
  })
}

function setUp(module: ProviderModule, env: Env): ProviderSetup {
  const problems: EnvProblem[] = []
  const setup = module.settings(env, problems)
  assert.deepEqual(problems, [])
  assert.ok(setup, 'it is not set up by the environment of the bench')
  return setup
}

/** A GIF of one point. */
const PIXEL = 'R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7'

function withPicture(by: ProviderModule['name']): readonly Message[] {
  const picture = { type: 'image/gif', base64: PIXEL } as const
  return [
    ...REQUEST.messages,
    { role: 'assistant', by, blocks: [{ type: 'tool_use', id: 'call_1', name: 'look', input: { path: 'a.gif' } }] },
    { role: 'tools', results: [{ id: 'call_1', text: 'a.gif', isError: false, picture }], note: undefined },
  ]
}

/** A service that gives one answer to whatever is asked. */
async function served(
  { status, headers = {}, body }: VendorAnswer,
  heard: (body: string) => void = () => {},
): Promise<{ url: string; close(): void }> {
  const server = createServer((request, response) => {
    void text(request).then((asked) => {
      heard(asked)
      return response.writeHead(status, headers).end(body)
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = addressOf(server.address())
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

function addressOf(address: AddressInfo | string | null): AddressInfo {
  assert.ok(address !== null && typeof address === 'object')
  return address
}
