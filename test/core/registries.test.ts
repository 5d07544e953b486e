import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readSettings } from '../../src/config/env.ts'
import { behind, readRegistries, registryEnv } from '../../src/core/registries.ts'

const SECRETS: Readonly<Record<string, string>> = { TOKEN: 'sesame', LOGIN: 'ann:pass' }
const read = (text: string) => readRegistries(text, (name) => SECRETS[name])

describe('private registries', () => {
  const { registries } = read(
    'npm=https://npm.example.com/repository/npm/#TOKEN, npm:@acme=https://acme.example/#LOGIN pypi=https://py.example/simple/\n go=https://go.example',
  )

  it('are read with what they are told, by name of a variable', () => {
    expect(registries.map(({ kind, scope, authorization }) => [kind, scope, authorization])).toEqual([
      ['npm', undefined, 'Bearer sesame'],
      ['npm', '@acme', `Basic ${Buffer.from('ann:pass').toString('base64')}`],
      ['pypi', undefined, undefined],
      ['go', undefined, undefined],
    ])
    expect(new Set(registries.map(({ alias }) => alias)).size).toBe(4)
  })

  it.each([
    ['nuget=https://x.example', 'is no registry'],
    ['npm=ftp://x', 'is no registry'],
    ['pypi:@acme=https://x.example', 'is no registry'],
    ['npm=https://ann:pass@x.example', 'belongs into a variable'],
    ['npm=https://x.example#NOT_SET', 'NOT_SET'],
  ])('%s is refused, with what is wrong', (text, wrong) => {
    expect(read(text).wrong.join()).toContain(wrong)
    expect(() => readSettings({ MUSTER_REGISTRIES: text })).toThrow('MUSTER_REGISTRIES')
  })

  it('have commands ask for another host, and tell them no secret', () => {
    const env = registryEnv(registries)
    expect(env).toMatchObject({
      npm_config_registry: 'http://npm.registry.invalid/repository/npm/',
      PIP_INDEX_URL: 'http://pypi.registry.invalid/simple/',
      GOPROXY: 'http://go.registry.invalid/',
    })
    expect(env['npm_config_@acme:registry']).toMatch(/^http:\/\/npm-[\da-f]{8}\.registry\.invalid\/$/)
    expect(JSON.stringify(env)).not.toMatch(/sesame|pass|example/)
  })

  const at = (path: string, method = 'GET') =>
    behind(registries, { method, url: new URL(`http://npm.registry.invalid${path}`) })

  it('are read below their address alone, and nothing is written', () => {
    expect(at('/repository/npm/left/-/left-1.0.0.tgz?x=1')).toEqual({
      url: new URL('https://npm.example.com/repository/npm/left/-/left-1.0.0.tgz?x=1'),
      authorization: 'Bearer sesame',
    })
    expect(at('/repository/npm')).toBeDefined()
    for (const path of [
      '/',
      '/repository/npmx',
      '/admin',
      '/repository/npm/../../admin',
      '/repository/npm/%2e%2e/x',
      '/repository/npm/..%5cx',
    ])
      expect(at(path), path).toBe(undefined)
    for (const method of ['PUT', 'POST', 'DELETE', 'PATCH', 'CONNECT', 'OPTIONS'])
      expect(at('/repository/npm/x', method)).toBe(undefined)
    expect(behind(registries, { method: 'GET', url: new URL('http://elsewhere.example/') })).toBe(undefined)
  })

  it('keep their secret to their own host, whatever is asked', () => {
    fc.assert(
      fc.property(fc.webPath(), fc.webQueryParameters(), (path, query) => {
        const found = at(`${path}?${query}`)
        if (!found) return
        expect(found.url.host).toBe('npm.example.com')
        expect(found.url.pathname.startsWith('/repository/npm')).toBe(true)
      }),
    )
  })
})
