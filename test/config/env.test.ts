import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { readSettings } from '../../src/config/env.ts'

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

  it('takes keys as text, with \\n, and in base64', () => {
    for (const key of [privateKey, privateKey.replaceAll('\n', '\\n'), Buffer.from(privateKey).toString('base64')])
      expect(readSettings({ ...app, PRIVATE_KEY: key }).github?.privateKey).toContain('BEGIN PRIVATE KEY')
  })

  it('lists every problem together, each with variable, fault and example', () => {
    const bad = {
      APP_ID: 'x',
      PRIVATE_KEY: 'nonsense',
      PORT: '99999',
      MUSTER_MODELS: 'complex=openai:gpt',
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
    expect(readSettings({ MUSTER_MODELS: 'general=anthropic:m' }).models).toEqual({
      complex: { provider: 'anthropic', model: 'm' },
      general: { provider: 'anthropic', model: 'm' },
      simple: { provider: 'anthropic', model: 'm' },
    })
  })
})
