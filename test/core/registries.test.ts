import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readSettings } from '../../src/config/env.ts'
import { behind, readRegistries, registryEnv, variablesOf } from '../../src/core/registries.ts'

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

  it('name the variables that go wherever they do', () => {
    expect(
      variablesOf(
        'npm=https://a.example/#TOKEN, pypi=https://b.example/ npm:@acme=https://c.example/#LOGIN nonsense#X',
      ),
    ).toEqual(['TOKEN', 'LOGIN'])
    expect(variablesOf(undefined)).toEqual([])
  })

  it('have commands ask for another host, and tell them no secret', () => {
    const env = registryEnv(registries)
    expect(env).toMatchObject({
      npm_config_registry: 'http://npm.registry.invalid/',
      PIP_INDEX_URL: 'http://pypi.registry.invalid/simple/',
      GOPROXY: 'http://go.registry.invalid/',
    })
    expect(JSON.stringify(env)).not.toMatch(/sesame|pass|example/)
  })

  const at = (path: string, method = 'GET') =>
    behind(registries, { method, url: new URL(`http://npm.registry.invalid${path}`) })

  it.each([
    ['/left', 'https://npm.example.com/repository/npm/left', 'Bearer sesame'],
    [
      '/repository/npm/left/-/left-1.0.0.tgz?x=1',
      'https://npm.example.com/repository/npm/left/-/left-1.0.0.tgz?x=1',
      'Bearer sesame',
    ],
    ['/@acme%2fleft', 'https://acme.example/@acme%2fleft', expect.stringMatching('Basic')],
    [
      '/download/@acme/left/1.0.0/abc',
      'https://acme.example/download/@acme/left/1.0.0/abc',
      expect.stringMatching('Basic'),
    ],
    ['/@other/left', 'https://npm.example.com/repository/npm/@other/left', 'Bearer sesame'],
    ['/admin/../x', 'https://npm.example.com/repository/npm/x', 'Bearer sesame'],
    ['/repository/npm/../../admin', 'https://npm.example.com/repository/npm/admin', 'Bearer sesame'],
  ])('have what is asked for as %s read at %s', (path, href, authorization) => {
    const found = at(path)
    expect({ href: found?.url.href, authorization: found?.authorization }).toEqual({ href, authorization })
  })

  it('are read, and nothing is written; nothing leads out of them', () => {
    for (const path of ['/repository/npm/..%5cx', '/x%5C..%5C']) expect(at(path), path).toBe(undefined)
    for (const method of ['PUT', 'POST', 'DELETE', 'PATCH', 'CONNECT', 'OPTIONS'])
      expect(at('/x', method)).toBe(undefined)
    expect(behind(registries, { method: 'GET', url: new URL('http://elsewhere.example/') })).toBe(undefined)
  })

  it('of a scope leave everything else to the public one, which is told nothing', () => {
    const found = behind(read('npm:@acme=https://acme.example/#TOKEN').registries, {
      method: 'GET',
      url: new URL('http://npm.registry.invalid/left'),
    })
    expect(found).toEqual({ url: new URL('https://registry.npmjs.org/left'), authorization: undefined })
  })

  it('keep their secret to their own host, whatever is asked', () => {
    fc.assert(
      fc.property(fc.webPath(), fc.webQueryParameters(), (path, query) => {
        const found = at(`${path}?${query}`)
        if (!found) return
        const isAcme = found.url.host === 'acme.example'
        expect(found.url.host).toBe(isAcme ? 'acme.example' : 'npm.example.com')
        expect(found.url.pathname.startsWith(isAcme ? '/' : '/repository/npm')).toBe(true)
      }),
    )
  })
})
