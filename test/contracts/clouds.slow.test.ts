import { execFileSync } from 'node:child_process'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { anthropic as messages } from '../../rehearsal/models/anthropic.ts'
import type { Question, Saying } from '../../rehearsal/models/types.ts'
import { bedrock, vertex } from '../../src/llm/anthropic/clouds.ts'
import type { ProviderModule } from '../../src/llm/module.ts'
import type { ModelRequest } from '../../src/llm/types.ts'
import { type ProviderBench, providerContract, type VendorAnswer } from '../../src/plugin/contracts/providers.ts'

/** Clients that are installed on demand: where the package registry is out of reach they cannot be, and this is skipped. */

const folder = mkdtempSync(join(tmpdir(), 'muster-clouds-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function install(): string | undefined {
  try {
    const packages = ['@anthropic-ai/bedrock-sdk@1.1.3', '@anthropic-ai/vertex-sdk@1.1.3']
    const args = [
      'install',
      '--prefix',
      folder,
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      '--loglevel=error',
      ...packages,
    ]
    execFileSync('npm', args, { cwd: folder, stdio: 'pipe', timeout: 280_000 })
    return undefined
  } catch (error) {
    return String(error).slice(0, 300)
  }
}
const why = install()
if (why) process.stderr.write(`skipped: what needs Anthropic's clients for other clouds. ${why}\n`)
if (why && process.env['CI']) throw new Error(why)

const QUESTION: Question = { api: 'anthropic', model: 'm', system: '', tools: [], texts: [], turn: 1, body: {} }

function answersOf(streams: boolean): ProviderBench['answers'] {
  const said = (saying: Saying): VendorAnswer =>
    streams
      ? {
          status: 200,
          headers: { 'content-type': 'text/event-stream' },
          body: messages
            .events(QUESTION, saying, 1)
            .map(({ name, data }) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
            .join(''),
        }
      : {
          status: 200,
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(messages.whole(QUESTION, saying, 1)),
        }
  const failed = (status: number, headers = {}): VendorAnswer => ({
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(messages.error(status)),
  })
  return {
    text: said({ text: 'hello' }),
    cut: said({ text: 'hel', stop: 'length' }),
    tool: said({ tools: [{ name: 'look', input: { path: 'a' } }] }),
    denied: failed(401),
    busy: failed(529, { 'retry-after': '7' }),
    broken: { status: 200, headers: { 'content-type': 'application/json' }, body: '<html>a gateway</html>' },
  }
}

const CLOUDS: readonly (readonly [module: ProviderModule, bench: ProviderBench])[] = [
  [
    bedrock,
    {
      env: (url) => ({
        AWS_REGION: 'eu-west-1',
        AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
        AWS_SECRET_ACCESS_KEY: 'a-secret-of-the-account',
        BEDROCK_BASE_URL: url,
        MUSTER_PLUGINS_DIR: folder,
      }),
      answers: answersOf(false),
    },
  ],
  [
    vertex,
    {
      env: (url) => ({
        VERTEX_PROJECT: 'my-project',
        VERTEX_REGION: 'europe-west1',
        VERTEX_ACCESS_TOKEN: 'a-token-of-the-account',
        VERTEX_BASE_URL: url,
        MUSTER_PLUGINS_DIR: folder,
      }),
      answers: answersOf(true),
    },
  ],
]

describe.skipIf(why).each(CLOUDS)('the provider %s', (module, bench) => {
  for (const { name, run } of providerContract(module, bench)) it(name, run)

  it('signs its requests as that cloud wants it', async () => {
    const seen: { url: string; headers: IncomingHttpHeaders; body: string }[] = []
    const server = createServer(async (request, response) => {
      let body = ''
      for await (const part of request) body += String(part)
      seen.push({ url: request.url ?? '', headers: request.headers, body })
      const { status, headers, body: text } = bench.answers.text
      response.writeHead(status, headers).end(text)
    })
    await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const provider = await module.settings(bench.env(url), [])?.open()
    const request: ModelRequest = {
      provider: module.name,
      model: module.name === 'bedrock' ? 'eu.anthropic.claude-opus-5-5-v1:0' : 'claude-opus-5-5@20261001',
      maxTokens: 32_000,
      system: 's',
      tools: [],
      messages: [{ role: 'user', text: 'x' }],
      signal: new AbortController().signal,
      origin: { taskId: 't', role: 'pm', step: 'spec', attempt: 1, turn: 1 },
    }
    await provider?.complete(request)
    server.close()
    const [asked] = seen
    if (module.name === 'bedrock') {
      expect(asked?.url).toBe('/model/eu.anthropic.claude-opus-5-5-v1:0/invoke')
      expect(asked?.headers.authorization).toMatch(
        /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/bedrock\/aws4_request, SignedHeaders=[a-z0-9;-]+, Signature=[0-9a-f]{64}$/,
      )
      expect(JSON.parse(asked?.body ?? '{}')).toMatchObject({
        anthropic_version: expect.any(String),
        max_tokens: 32_000,
      })
    } else {
      expect(asked?.url).toBe(
        '/projects/my-project/locations/europe-west1/publishers/anthropic/models/claude-opus-5-5@20261001:streamRawPredict',
      )
      expect(asked?.headers.authorization).toBe('Bearer a-token-of-the-account')
      expect(JSON.parse(asked?.body ?? '{}')).toMatchObject({ anthropic_version: expect.any(String) })
    }
    expect(JSON.stringify(seen)).not.toContain('a-secret-of-the-account')
  })

  it('costs what it costs at Anthropic', () => {
    expect(module.priceOf('eu.anthropic.claude-opus-5-5-v1:0')).toMatchObject({ input: 4, output: 20 })
    expect(module.priceOf('claude-haiku-5-5@20261001')).toMatchObject({ input: 0.1 })
  })
})

it.skipIf(why)('says that credentials of the machine are not there, and ends no process over it', async () => {
  const env = { VERTEX_PROJECT: 'my-project', MUSTER_PLUGINS_DIR: folder, VERTEX_BASE_URL: 'http://127.0.0.1:9' }
  const before = { ...process.env }
  Object.assign(process.env, { HOME: '/nonexistent', METADATA_SERVER_DETECTION: 'none' })
  try {
    expect(await vertex.settings(env, [])?.look()).toMatchObject({
      state: 'problem',
      detail: 'the credentials are not accepted',
      fix: expect.stringContaining('GOOGLE_APPLICATION_CREDENTIALS'),
    })
  } finally {
    process.env = before
  }
})

it('says how it is installed where it is not', async () => {
  const setup = bedrock.settings({ AWS_REGION: 'eu-west-1', MUSTER_PLUGINS_DIR: '/nowhere' }, [])
  await expect(setup?.open()).rejects.toMatchObject({
    kind: 'key',
    hint: expect.stringContaining('npm install --prefix /nowhere @anthropic-ai/bedrock-sdk@1.1.3'),
  })
  expect(await setup?.look()).toMatchObject({ state: 'problem', fix: expect.stringContaining('npm install') })
})
