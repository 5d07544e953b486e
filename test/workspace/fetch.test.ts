import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fetchTool, isFetchable } from '../../src/workspace/fetch.ts'
import { toolchainsOf } from '../../src/workspace/toolchains.ts'

/** A registry that has two versions of a package manager; the real npm asks it. */
describe('a version that is fetched', () => {
  let dir = ''
  let env: Record<string, string | undefined> = {}
  const tarballs = new Map<string, Buffer>()
  const server = createServer((request, response) => {
    const [, version = ''] = /pnpm-([\d.]+)\.tgz$/.exec(request.url ?? '') ?? []
    if (version) return void response.end(tarballs.get(version))
    if (request.url !== '/pnpm') return void response.writeHead(404).end('{}')
    const { port } = server.address() as AddressInfo
    const versions = Object.fromEntries(
      [...tarballs.keys()].map((one) => {
        const dist = { tarball: `http://127.0.0.1:${port}/pnpm/-/pnpm-${one}.tgz` }
        return [one, { name: 'pnpm', version: one, bin: { pnpm: 'run.sh' }, dist }]
      }),
    )
    response.end(JSON.stringify({ name: 'pnpm', 'dist-tags': { latest: '10.0.1' }, versions }))
  })

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'muster-fetch-'))
    for (const version of ['9.15.0', '10.0.1']) {
      const folder = join(dir, version)
      mkdirSync(folder)
      const ran = join(dir, 'a-script-ran')
      writeFileSync(
        join(folder, 'package.json'),
        JSON.stringify({ name: 'pnpm', version, bin: { pnpm: 'run.sh' }, scripts: { postinstall: `touch ${ran}` } }),
      )
      writeFileSync(join(folder, 'run.sh'), `#!/bin/sh\necho ${version}\n`)
      chmodSync(join(folder, 'run.sh'), 0o755)
      execFileSync('npm', ['pack', '--silent'], { cwd: folder })
      tarballs.set(version, readFileSync(join(folder, `pnpm-${version}.tgz`)))
    }
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const { port } = server.address() as AddressInfo
    const cache = join(dir, 'cache')
    env = {
      PATH: process.env['PATH'],
      HOME: dir,
      npm_config_registry: `http://127.0.0.1:${port}/`,
      npm_config_cache: cache,
    }
  })
  afterAll(() => {
    server.close()
    rmSync(dir, { recursive: true, force: true })
  })

  it('is there afterwards, as it was asked for, and no script of a package has run', async () => {
    const into = join(dir, 'toolchains')
    expect(await fetchTool({ tool: 'pnpm', range: '9.15' }, into, env)).toBe(true)
    const found = (await toolchainsOf([into], '/nowhere')()).filter(({ tool, isThere }) => tool === 'pnpm' && !isThere)
    expect(found.map(({ version }) => version)).toEqual(['9.15.0'])
    expect(readdirSync(dir)).not.toContain('a-script-ran')
  })

  it('is none where the registry has none, and nothing unfinished stays', async () => {
    const into = join(dir, 'none')
    expect(await fetchTool({ tool: 'pnpm', range: '8' }, into, env)).toBe(false)
    expect(readdirSync(join(into, 'pnpm'))).toEqual([])
    expect(isFetchable({ tool: 'python', range: '3' })).toBe(false)
    expect(await fetchTool({ tool: 'python', range: '3' }, into, env)).toBe(false)
  })
})
