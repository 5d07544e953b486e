import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LABEL, makeNodeImage, NODE_IMAGE, removeImages } from '../../rehearsal/releases/containers.ts'
import { unusedPort } from '../../rehearsal/stage.ts'
import { allowedImages, mustBeAllowed } from '../../src/releases/containers/allowed.ts'
import { container } from '../../src/releases/local/module.ts'
import { NO_TOOLS } from '../../src/releases/tools.ts'
import type { Environment, Target } from '../../src/releases/types.ts'
import { call, findEngine } from '../../src/workspace/container.ts'
import { embedded, fenceOf, type TestDatabase } from '../support/databases.ts'
import { ENGINE, useEngine } from '../support/engine.ts'
import { targetDeps } from '../support/local.ts'
import { type Registry, registry } from '../support/registry.ts'

describe('the image that a repository names', () => {
  const env = { MUSTER_DEPLOY_IMAGES: 'Acme/Shop=ghcr.io/acme/shop, acme/tools=ghcr.io/acme/tools/' }

  it.each([
    ['acme/shop', 'ghcr.io/acme/shop:abc', true],
    ['ACME/shop', 'ghcr.io/acme/shop@sha256:00', true],
    ['acme/shop', 'ghcr.io/acme/shop', true],
    ['acme/shop', 'ghcr.io/acme/shop-private:1', false],
    ['acme/shop', 'ghcr.io/acme/shop/more:1', false],
    ['acme/shop', 'localhost/muster:other-1', false],
    ['acme/tools', 'ghcr.io/acme/tools/a:1', true],
    ['acme/tools', 'ghcr.io/acme/tools/../secret:1', false],
    ['acme/tools', 'ghcr.io/acme/shop:1', false],
    ['acme/other', 'ghcr.io/acme/shop:1', false],
  ])('of %s, %s: %s', (repository, image, isAllowed) => {
    const asked = () => mustBeAllowed(repository, image, env)
    if (isAllowed) expect(asked).not.toThrow()
    else expect(asked).toThrow(/may not be run of the image/)
  })

  it('is allowed by nobody where the operator says nothing, or nothing that can be read', () => {
    expect(() => mustBeAllowed('acme/shop', 'ghcr.io/acme/shop', {})).toThrow()
    expect(allowedImages({ MUSTER_DEPLOY_IMAGES: 'acme/shop' })).toBeUndefined()
  })
})

describe.runIf(ENGINE !== undefined)('a service in a container', () => {
  const engine = findEngine(ENGINE ?? 'sh')
  const dir = mkdtempSync(join(tmpdir(), 'muster-containers-'))
  let db: TestDatabase
  let images: Registry
  let target: Target
  let port = 0
  const env: Record<string, string> = {
    MUSTER_CONTAINERS: ENGINE ?? '',
    MUSTER_DEPLOY_SECRETS: 'acme/x:production:PRICE_KEY',
    PRICE_KEY: 'k3y',
  }
  const make = () => container.open(targetDeps(db, dir, { env }))

  beforeAll(async () => {
    useEngine(dir)
    makeNodeImage(ENGINE ?? '')
    images = await registry()
    const conf = join(dir, 'registries.conf')
    writeFileSync(conf, `[[registry]]\nlocation = "${images.address}"\ninsecure = true\n`)
    process.env['CONTAINERS_REGISTRIES_CONF'] = conf
    env['MUSTER_DEPLOY_IMAGES'] = `acme/x=${images.address}/acme/shop, acme/x=localhost/`
    db = await embedded()
    port = await unusedPort()
    target = await make()
  })
  afterAll(async () => {
    await target.host?.close(true)
    await images.close()
    await db.drop()
    await removeImages(engine)
    delete process.env['CONTAINERS_REGISTRIES_CONF']
    rmSync(dir, { recursive: true, force: true })
  })

  const server = (answer: string) => `import { createServer } from 'node:http'
console.log('${answer} is up')
createServer((request, response) => {
  if (request.url === '/die') process.exit(1)
  response.end('${answer} ' + process.env.PRICE_KEY)
}).listen(Number(process.env.PORT))
process.on('SIGTERM', () => process.exit(0))`
  const files = (answer: string): Record<string, string> => ({
    Dockerfile: `FROM ${NODE_IMAGE}\nLABEL ${LABEL}\nCOPY server.mjs /\nCMD ["node", "/server.mjs"]\n`,
    'server.mjs': server(answer),
  })
  const at = (own: Record<string, unknown> = {}): Environment => {
    const settings = container.settings.parse({
      target: 'container',
      port,
      health: '/',
      secrets: ['PRICE_KEY'],
      ...own,
    })
    return { repository: 'acme/x', name: 'production', settings }
  }
  const deploy = async (
    id: string,
    sha: string,
    has: Record<string, string>,
    own: Record<string, unknown> = {},
    more = (_to: string) => {},
  ) =>
    target.apply({
      environment: at(own),
      releaseId: id,
      taskId: 't',
      sha,
      signal: new AbortController().signal,
      mayAct: () => {},
      fence: await fenceOf(db, 'env:acme/x:production'),
      tools: async () => NO_TOOLS,
      unpack: async (to) => {
        for (const [name, text] of Object.entries(has)) writeFileSync(join(to, name), text)
        more(to)
      },
    })
  const seen = async () => (await fetch(`http://127.0.0.1:${port}/`)).text()

  it('is built of the commit, and has its secrets, which no list of processes shows', async () => {
    await deploy('a-1', 'one', files('one'))
    expect(await seen()).toBe('one k3y')
    expect(await target.log('a-1')).toContain('one is up')
    const { output } = await call(engine, ['inspect', '--format', '{{json .Config.CreateCommand}}', 'muster-a-1'])
    expect(output).toContain('--env=PRICE_KEY')
    expect(output).not.toContain('k3y')
  })

  it('is told what is wrong where there is nothing to build, and where that fails', async () => {
    await expect(deploy('a-2', 'two', {})).rejects.toThrow('There is no `Dockerfile` in this commit.')
    await expect(deploy('a-3', 'two', { Dockerfile: `FROM ${NODE_IMAGE}\nCOPY nothing /\n` })).rejects.toThrow(
      'was not built',
    )
    expect(await target.log('a-3')).toContain('nothing')
    await expect(deploy('a-4', 'two', files('two'), { secrets: ['PATH_TO'] })).rejects.toThrow('may not have `PATH_TO`')
    await expect(deploy('a-5', 'two', {}, { image: 'ghcr.io/acme/other:{sha}' })).rejects.toThrow(
      'may not be run of the image',
    )
    expect(await seen()).toBe('one k3y')
  })

  it('is found again where Muster begins anew, and started again where it died', async () => {
    await target.host?.close(false)
    target = await make()
    await target.host?.adopt()
    await fetch(`http://127.0.0.1:${port}/die`).catch(() => {})
    await expect.poll(seen).toBe('one k3y')
    // What it printed before it died is not lost with it.
    expect((await target.log('a-1')).match(/one is up/g)).toHaveLength(2)
  })

  it('is fetched where it was built elsewhere, and run by what it was then, whatever its name says later', async () => {
    const layoutOf = (name: string): string => {
      const context = join(dir, name)
      mkdirSync(context)
      for (const [file, text] of Object.entries(files(name))) writeFileSync(join(context, file), text)
      const [program = '', ...args] = (ENGINE ?? '').split(' ')
      const run = (...more: string[]) => execFileSync(program, [...args, ...more], { stdio: 'pipe' })
      run('build', '--tag', `localhost/${name}`, context)
      run('save', '--format=oci-dir', '--output', join(dir, `${name}-layout`), `localhost/${name}`)
      run('rmi', '--force', `localhost/${name}`)
      return join(dir, `${name}-layout`)
    }
    images.put('acme/shop', 'two', layoutOf('two'))
    const image = `${images.address}/acme/shop:{sha}`
    await deploy('a-6', 'two', {}, { image })
    expect(await seen()).toBe('two k3y')
    expect(await target.log('a-6')).toMatch(/the image is localhost:\d+\/acme\/shop@sha256:/)
    images.put('acme/shop', 'two', layoutOf('other'))
    await call(engine, ['pull', '--quiet', `${images.address}/acme/shop:two`])
    await fetch(`http://127.0.0.1:${port}/die`).catch(() => {})
    await expect.poll(seen).toBe('two k3y')
    await expect(deploy('a-7', 'none', {}, { image })).rejects.toThrow('could not be fetched')
  })

  it('is built of nothing that is on this machine alone, unless the operator says so', async () => {
    const allowed = env['MUSTER_DEPLOY_IMAGES']
    env['MUSTER_DEPLOY_IMAGES'] = ''
    await expect(deploy('b-1', 'stolen', files('stolen'))).rejects.toThrow('was not built')
    env['MUSTER_DEPLOY_IMAGES'] = allowed ?? ''
    expect(await seen()).not.toContain('stolen')
  })

  it('follows no link of a commit out of its files', async () => {
    const secret = join(dir, 'secret')
    writeFileSync(secret, 'kept')
    const linked = (name: string) => (to: string) => symlinkSync(secret, join(to, name))
    await expect(deploy('b-2', 'x', {}, {}, linked('Dockerfile'))).rejects.toThrow(
      'is a link to a file that is not of this commit',
    )
    for (const name of ['.muster-build.log', 'build.log']) await deploy(`b-${name}`, 'x', files('x'), {}, linked(name))
    expect(readFileSync(secret, 'utf8')).toBe('kept')
  })

  it('goes back to what was built, whose image is kept as long as the release', async () => {
    const fence = await fenceOf(db, 'env:acme/x:production')
    const signal = new AbortController().signal
    await target.restore?.({ environment: at(), releaseId: 'a-1', signal, mayAct: () => {}, fence })
    expect(await seen()).toBe('one k3y')
    for (let nth = 10; nth < 16; nth++) await deploy(`a-${nth}`, `sha${nth}`, files(`v${nth}`))
    const { output } = await call(engine, ['images', '--format', '{{.Repository}}:{{.Tag}}'])
    expect(output).toContain('localhost/muster:a-15')
    expect(output).not.toContain('localhost/muster:a-1\n')
    expect(output).not.toContain('localhost/muster:a-3\n')
    const { output: running } = await call(engine, ['ps', '--format', '{{.Names}}'])
    expect(
      running
        .split('\n')
        .filter((one) => one.startsWith('muster-a-'))
        .toSorted(),
    ).toEqual(['muster-a-14', 'muster-a-15'])
  })

  it('whose engine is gone holds up nobody else', async () => {
    await target.host?.close(false)
    const said: string[] = []
    const without = await container.open(
      targetDeps(db, dir, {
        env: { ...env, MUSTER_CONTAINERS: 'no-such-engine' },
        log: (message) => void said.push(message),
      }),
    )
    await without.host?.adopt()
    expect(said).toContain('a release could not be stopped')
    await without.host?.close(false)
    target = await make()
    await target.host?.adopt()
  })
})
