import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readRegistries } from '../../src/core/registries.ts'
import { DEFAULT_LIMITS } from '../../src/workspace/confined.ts'
import { openSandbox } from '../../src/workspace/sandbox.ts'
import { WORKING } from '../support/isolation.ts'

const TOKEN = 'sesame-of-the-operator'

/** A registry that gives a package to whoever has the token, and one that would learn it. */
describe.each(WORKING.slice(0, 1))('a set-up that needs a private registry, in %s', (kind) => {
  let dir = ''
  let tarball: Buffer
  let base = ''
  let elsewhere = ''
  const heard: string[] = []
  const registry = createServer((request, response) => {
    heard.push(`${request.method} ${request.url} ${request.headers.authorization}`)
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return void response.writeHead(401).end('who are you?')
    if (request.url?.endsWith('.tgz')) return void response.end(tarball)
    if (request.url?.endsWith('/away'))
      return void response.writeHead(302, { location: elsewhere, 'set-cookie': 'x=secret' }).end()
    const dist = { tarball: `${base}left/-/left-1.0.0.tgz` }
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({
        name: 'left',
        'dist-tags': { latest: '1.0.0' },
        versions: { '1.0.0': { name: 'left', version: '1.0.0', dist } },
      }),
    )
  })
  const other = createServer((request, response) => {
    heard.push(`ELSEWHERE ${request.headers.authorization} ${request.headers.cookie}`)
    response.end('elsewhere')
  })
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'muster-registry-'))
    const own = join(dir, 'left')
    mkdirSync(own)
    writeFileSync(
      join(own, 'package.json'),
      '{"name":"left","version":"1.0.0","main":"index.js","scripts":{"postinstall":"echo > /work/ran"}}',
    )
    writeFileSync(join(own, 'index.js'), 'module.exports = () => "left is here"\n')
    execFileSync('npm', ['pack', '--silent'], { cwd: own })
    tarball = readFileSync(join(own, 'left-1.0.0.tgz'))
    for (const server of [registry, other]) await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    base = `http://127.0.0.1:${(registry.address() as AddressInfo).port}/repository/npm/`
    elsewhere = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`
  })
  afterAll(() => {
    for (const server of [registry, other]) server.close()
    rmSync(dir, { recursive: true, force: true })
  })
  const run = (command: string, network = true) => {
    const work = mkdtempSync(join(dir, 'work-'))
    writeFileSync(join(work, 'package.json'), '{"name":"x","dependencies":{"left":"1.0.0","@acme/left":"1.0.0"}}')
    const { registries } = readRegistries(`npm=${base}#TOKEN npm:@acme=${base}#TOKEN`, () => TOKEN)
    const hosts = [{ host: '127.0.0.1', port: (other.address() as AddressInfo).port }]
    return openSandbox(kind, DEFAULT_LIMITS, { hosts, registries }).run({
      dir: work,
      home: mkdtempSync(join(dir, 'home-')),
      argv: ['/bin/sh', '-c', command],
      timeoutMs: 120_000,
      network,
    })
  }

  it('gets its packages with npm as it is, and never the token', async () => {
    const { output, exitCode } = await run(
      "npm install --no-audit --no-fund --loglevel=warn && node -p \"require('left')() + require('@acme/left')()\"; cat package-lock.json; env; cat ~/.npmrc ~/.npm/_logs/* 2>/dev/null; test -f node_modules/left/index.js",
    )
    expect(exitCode, output).toBe(0)
    expect(output).toContain('left is hereleft is here')
    expect(output).not.toContain(TOKEN)
    expect(new Set(heard.filter((one) => one.includes('.tgz')))).toEqual(
      new Set([`GET /repository/npm/left/-/left-1.0.0.tgz Bearer ${TOKEN}`]),
    )
  })

  it('publishes nothing, reads nothing beside it, and hands the secret on to nobody', async () => {
    heard.length = 0
    const tries = `
      const at = (path, options = {}) => fetch('http://npm.registry.invalid' + path, options).then(async (r) => r.status + ' ' + (await r.text()) + ' ' + [...r.headers.keys()], (e) => 'no ' + e.message)
      console.log(await at('/repository/npm/left', { method: 'PUT', body: '{}' }))
      console.log(await at('/left', { method: 'POST', body: '{}' }))
      console.log(await at('/repository/npm/..%5cadmin'))
      console.log(await at('/repository/npm/away', { headers: { authorization: 'Bearer mine', cookie: 'a=b', 'x-api-key': 'c' } }))
      console.log(await fetch('${base}left').then((r) => r.text(), () => 'no'))`
    const { output } = await run(`cat > t.mjs <<'X'\n${tries}\nX\nNO_PROXY= no_proxy= node t.mjs`)
    expect(output).not.toContain(TOKEN)
    expect(output).not.toContain('set-cookie')
    expect(output.match(/403 only reading/g)).toHaveLength(3)
    expect(heard).toEqual([`GET /repository/npm/away Bearer ${TOKEN}`, 'ELSEWHERE undefined undefined'])
  })

  it('knows of none without the network', async () => {
    const { output } = await run('env', false)
    expect(output).not.toMatch(/registry\.invalid/)
  })
})
