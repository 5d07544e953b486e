import { TOLD } from '../../src/releases/command/target.ts'
import { generateKeyPairSync } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { misnamedVariables } from '../../src/config/services.ts'
import { readSettings, unusedVariables } from '../../src/config/env.ts'

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})
const app = { APP_ID: '5', PRIVATE_KEY: privateKey, WEBHOOK_SECRET: 'not-the-default' }

describe('the environment', () => {
  it('needs nothing', () => {
    expect(readSettings({})).toMatchObject({
      github: undefined,
      dataDir: '.muster',
      sandbox: undefined,
      server: { port: 3000, apiToken: undefined },
      githubUrls: { api: 'https://api.github.com', server: 'https://github.com' },
    })
  })

  it('knows every variable that the documents tell of', () => {
    const documents = ['README.md', '.env.example', ...readdirSync('docs').map((name) => `docs/${name}`)]
    const told = documents.filter((name) => /(md|example)$/.test(name)).map((name) => readFileSync(name, 'utf8'))
    const names = new Set(told.join(' ').match(/MUSTER_[A-Z]+(_[A-Z]+)*/g))
    // How this repository's own tests are run.
    names.delete('MUSTER_TESTS')
    // What commands that deploy are told, nobody sets.
    for (const name of TOLD) names.delete(name)
    expect(names.size).toBeGreaterThan(20)
    expect(unusedVariables(Object.fromEntries([...names].map((name) => [name, '1'])))).toEqual([])
  })

  it('takes keys as text, with \\n, and in base64', () => {
    for (const key of [privateKey, privateKey.replaceAll('\n', '\\n'), Buffer.from(privateKey).toString('base64')])
      expect(readSettings({ ...app, PRIVATE_KEY: key }).github?.privateKey).toContain('BEGIN PRIVATE KEY')
  })

  it('lists every problem together, each with variable, fault and example', () => {
    const bad = {
      APP_ID: 'x',
      PRIVATE_KEY: 'nonsense',
      PORT: '99999',
      MUSTER_MODELS: 'complex=nobody:gpt',
      MUSTER_PRICES: 'openai:x=cheap',
      OPENAI_INTERFACE: 'telepathy',
      MUSTER_SANDBOX: 'docker',
      MUSTER_RELEASES_AT_STOP: 'x',
      MUSTER_SETUP_NETWORK: 'yes',
      MUSTER_SCRIPT: '/nope',
      MUSTER_API_TOKEN: 'short',
      GITHUB_API_URL: 'ftp://x',
      LOG_LEVEL: 'loud',
      DATABASE_URL: 'mysql://x',
    }
    try {
      readSettings(bad)
      expect.unreachable()
    } catch (error) {
      const text = String(error)
      for (const name of [...Object.keys(bad), 'WEBHOOK_SECRET'])
        expect(text).toMatch(new RegExp(`${name}: .+\\n +for example ${name}=`))
    }
  })

  it.each([
    [{ DATABASE_URL: 'postgresql://muster:pa#ss@localhost/muster' }, 'DATABASE_URL: cannot be read; a "#"'],
    // What is left of it where a .env file took the rest for a comment.
    [{ DATABASE_URL: 'postgresql://muster:pa' }, 'DATABASE_URL: cannot be read; a "#"'],
    [{ REDIS_URL: 'redis://:se#cret@localhost' }, 'REDIS_URL: cannot be read; a "#"'],
    [{ ANTHROPIC_BASE_URL: 'nonsense' }, 'ANTHROPIC_BASE_URL: "nonsense" is no http(s) URL'],
    [{ HOST: 'http://0.0.0.0' }, 'HOST: "http://0.0.0.0" is no host name'],
    [{ HOST: 'my server' }, 'HOST: "my server" is no host name'],
    [{ GITHUB_CLIENT_ID: 'Iv1.x', GITHUB_CLIENT_SECRET: 'y' }, 'APP_ID: is missing, while GITHUB_CLIENT_ID is there'],
  ])('tells of %j', (env, told) => expect(() => readSettings(env)).toThrow(told))

  it('tells which name was meant, and leaves alone what is right', () => {
    expect(misnamedVariables({ ANTHROPIC_KEY: 'x' })).toEqual([{ name: 'ANTHROPIC_KEY', meant: 'ANTHROPIC_API_KEY' }])
    expect(misnamedVariables({ ANTHROPIC_KEY: 'x', ANTHROPIC_API_KEY: 'y' })).toEqual([])
    for (const DATABASE_URL of ['postgresql://muster:pw@/muster?host=/var/run/postgresql', 'postgresql:///muster'])
      expect(readSettings({ DATABASE_URL, REDIS_URL: 'redis://:pw@/0' }).databaseUrl).toBe(DATABASE_URL)
    for (const HOST of ['0.0.0.0', '::', 'localhost', 'muster.example.com', '10.1.2.3'])
      expect(readSettings({ HOST, DATABASE_URL: 'postgresql://u:p%23@localhost:5432/m' }).server.host).toBe(HOST)
  })

  it("46: refuses to start without the secret of a switched-on channel, and with Probot's default", () => {
    expect(() => readSettings({ ...app, WEBHOOK_SECRET: '' })).toThrow('WEBHOOK_SECRET')
    expect(() => readSettings({ ...app, WEBHOOK_SECRET: 'development' })).toThrow("Probot's")
    expect(() => readSettings({ WEBHOOK_SECRET: 'x' })).toThrow('APP_ID')
    for (const copied of ['$(openssl rand -hex 24)', '<the output of: openssl rand -hex 24>']) {
      expect(() => readSettings({ ...app, WEBHOOK_SECRET: copied })).toThrow('placeholder')
      expect(() => readSettings({ MUSTER_API_TOKEN: copied })).toThrow('placeholder')
    }
  })

  it('finds the API of another GitHub, and lets a tier stand in for the others', () => {
    expect(readSettings({ GITHUB_SERVER_URL: 'https://git.example/' }).githubUrls).toEqual({
      server: 'https://git.example',
      api: 'https://git.example/api/v3',
    })
    const m = { provider: 'anthropic', model: 'm' }
    const prices = 'anthropic:m=1/2'
    expect(readSettings({ MUSTER_MODELS: 'general=anthropic:m', MUSTER_PRICES: prices }).models).toEqual({
      complex: [m],
      general: [m],
      simple: [m],
    })
    const order = readSettings({
      MUSTER_MODELS: 'complex=anthropic:m|openai:gpt-5.5|local:qwen:7b',
      MUSTER_PRICES: prices,
    })
    expect(order.models.complex.map(({ provider, model }) => `${provider}:${model}`)).toEqual([
      'anthropic:m',
      'openai:gpt-5.5',
      'local:qwen:7b',
    ])
  })

  it('wants a price for every model that is asked: what nobody knows keeps no budget', () => {
    expect(() => readSettings({ MUSTER_MODELS: 'general=openai:o9' })).toThrow('nobody knows what openai:o9 costs')
    expect(() => readSettings({ MUSTER_MODELS: 'general=openai:o9', MUSTER_PRICES: 'openai:o9' })).toThrow('in/out')
    expect(() => readSettings({ MUSTER_MODELS: 'general=openai:o9', MUSTER_PRICES: 'openai:o9=1/-2' })).toThrow(
      'in/out',
    )
    const { prices } = readSettings({
      MUSTER_MODELS: 'general=openai:o9',
      MUSTER_PRICES: 'openai:o=9/9, openai:o9=1/2/0.5, local:big=3/4',
    })
    expect(prices.of({ provider: 'openai', model: 'o9-2026' })).toEqual({
      input: 1,
      output: 2,
      cacheRead: 0.5,
      cacheWrite: 1,
    })
    expect(prices.of({ provider: 'local', model: 'big' })?.input).toBe(3)
    expect(prices.of({ provider: 'local', model: 'small' })?.input).toBe(0)
  })
})
