import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LABEL, makeNodeImage, NODE_IMAGE, removeImages } from '../../rehearsal/releases/containers.ts'
import { NO_TRAFFIC, tallied } from '../../src/core/traffic.ts'
import { allowedPlaces, CLUSTERS, HOSTS, placeOf } from '../../src/releases/places.ts'
import { type Counters, readingOf, sampleOf } from '../../src/releases/ssh/counts.ts'
import { ssh } from '../../src/releases/ssh/module.ts'
import { NO_TOOLS } from '../../src/releases/tools.ts'
import type { Environment, Target } from '../../src/releases/types.ts'
import { call, findEngine } from '../../src/workspace/container.ts'
import { runs } from '../support/amount.ts'
import { embedded, fenceOf, type TestDatabase } from '../support/databases.ts'
import { ENGINE, useEngine } from '../support/engine.ts'
import { HAS_HOST, type Host, host } from '../support/host.ts'
import { targetDeps } from '../support/local.ts'

describe('where an environment is served', () => {
  const env = { MUSTER_DEPLOY_HOSTS: 'Acme/Shop:production=deploy@web1/shop, acme/shop:staging=web-2/shop.staging' }

  it('is what the operator says, whoever writes the settings', () => {
    const of = (repository: string, name: string) => placeOf(HOSTS, { repository, name }, env)
    expect(of('acme/SHOP', 'production')).toMatchObject({ at: 'deploy@web1', part: 'shop' })
    expect(of('acme/shop', 'staging')).toMatchObject({ at: 'web-2', part: 'shop.staging' })
    expect(() => of('acme/shop', 'Production')).toThrow('Nobody has set where')
    expect(() => of('acme/other', 'production')).toThrow('Nobody has set where')
  })

  it.each([
    'acme/shop=web1/shop',
    'acme/shop:production=-oProxyCommand=x/shop',
    'acme/shop:production=web1/a b',
    'x',
    'acme/a:p=web1/shop,acme/b:p=web1/shop',
  ])('is not read from %s', (text) => expect(allowedPlaces(HOSTS, { MUSTER_DEPLOY_HOSTS: text })).toBeUndefined())
})

describe('the cluster of an environment', () => {
  const read = (text: string) => allowedPlaces(CLUSTERS, { MUSTER_DEPLOY_CLUSTERS: text })

  it('has names with slashes and colons, as clouds give them; a namespace has none', () => {
    const arn = 'arn:aws:eks:eu-west-1:1:cluster/main'
    expect(read(`acme/shop:production=${arn}/shop`)).toMatchObject([{ at: arn, part: 'shop' }])
    expect(read('acme/shop:production=main/Shop')).toBeUndefined()
    expect(read('acme/shop:production=--kubeconfig/shop')).toBeUndefined()
  })
})

describe('what HAProxy has counted', () => {
  const none: Counters = { answered: 0, failed: 0, cut: 0, refused: 0, lost: 0 }
  /** Readings one after the other: what came in after the first. */
  const since = (...readings: Partial<Counters>[]) => {
    let before = readingOf(undefined, { ...none, ...readings[0] })
    const samples = readings.slice(1).flatMap((counters) => {
      const now = readingOf(before, { ...none, ...counters })
      const sample = sampleOf(before, now, 5, 'a')
      before = now
      return sample ?? []
    })
    return tallied(NO_TRAFFIC, samples)
  }

  it('is what came in since it was read before, each request once', () => {
    expect(since({}, {})).toEqual(NO_TRAFFIC)
    const counted = since({ answered: 7 }, { answered: 10, failed: 1 }, { answered: 12, failed: 1 })
    expect(counted).toMatchObject({ requests: 5, errors: 1, failures: { status: 1 } })
    const more = since({}, { answered: 3, cut: 1, refused: 2, lost: 2 }, { answered: 3, cut: 1, refused: 2, lost: 2 })
    expect(more).toMatchObject({ requests: 7, errors: 5, failures: { cut: 1, refused: 2, unanswered: 2 } })
  })

  it('calls lost what is so at two readings in a row: its parts are not read at one moment', () => {
    expect(since({}, { answered: 5, lost: 1 }, { answered: 6 }, { answered: 6, lost: -1 }).errors).toBe(0)
    expect(since({}, { lost: 1 }, {}, { lost: 1 }, { lost: 2 }, { lost: 2 }).failures).toEqual({ unanswered: 2 })
  })

  it('is nobody’s that was lost before anybody looked', () => {
    expect(
      since({ answered: 1000, lost: 40 }, { answered: 1002, lost: 40 }, { answered: 1004, lost: 41 }),
    ).toMatchObject({
      requests: 4,
      errors: 0,
    })
  })

  it('begins anew where HAProxy does', () => {
    expect(since({ answered: 1000, failed: 5 }, { answered: 4 })).toMatchObject({ requests: 4, errors: 0 })
  })
})

describe.runIf(HAS_HOST)('containers on a host that is reached by SSH', () => {
  const dir = mkdtempSync(join(tmpdir(), 'muster-ssh-'))
  let db: TestDatabase
  let web: Host
  let target: Target
  const env: Record<string, string> = {
    MUSTER_DEPLOY_SECRETS: 'acme/x:production:PRICE_KEY',
    MUSTER_DEPLOY_IMAGES: 'acme/x=localhost/',
    PRICE_KEY: 'k3y',
  }
  const make = async (own: Record<string, string> = {}) => ssh.open(targetDeps(db, dir, { env: { ...env, ...own } }))

  beforeAll(async () => {
    useEngine(dir)
    makeNodeImage(ENGINE ?? '')
    db = await embedded()
    web = await host()
    Object.assign(env, web.env, { MUSTER_DEPLOY_HOSTS: `acme/x:production=web1/${web.backend}` })
    target = await make()
    await target.host?.adopt()
  })
  afterAll(async () => {
    await target.host?.close(false)
    await web.close()
    await db.drop()
    await removeImages(findEngine(ENGINE))
    rmSync(dir, { recursive: true, force: true })
  })

  const server = (answer: string) => `import { createServer } from 'node:http'
console.log('${answer} is up')
console.error('${answer} is warned')
createServer((request, response) => {
  if (request.url === '/fail') return response.writeHead(500).end('no')
  if (request.url === '/drop') return request.socket.destroy()
  if (request.url === '/cut') return response.writeHead(200, { 'content-length': '99' }).write('x', () => request.socket.destroy())
  if (request.url === '/env') return response.end(process.env.ODD)
  response.end('${answer} ' + process.env.PRICE_KEY)
}).listen(Number(process.env.PORT))
process.on('SIGTERM', () => process.exit(0))`
  const at = (own: Record<string, unknown> = {}): Environment => {
    const file = { target: 'ssh-haproxy', url: web.url, health: '/', secrets: ['PRICE_KEY'], ...own }
    return { repository: 'acme/x', name: 'production', settings: ssh.settings.parse(file) }
  }
  const held = async () => ({
    signal: new AbortController().signal,
    mayAct: () => {},
    fence: await fenceOf(db, 'env:acme/x:production'),
  })
  const applied = (id: string, answer: string, bytes = 0) => ({
    releaseId: id,
    taskId: 't',
    sha: answer,
    tools: async () => NO_TOOLS,
    unpack: async (to: string) => {
      if (bytes > 0) writeFileSync(join(to, 'big'), randomBytes(bytes))
      writeFileSync(
        join(to, 'Dockerfile'),
        `FROM ${NODE_IMAGE}\nLABEL ${LABEL}\nCOPY server.mjs /\nCMD ["node", "/server.mjs"]\n`,
      )
      writeFileSync(join(to, 'server.mjs'), server(answer))
    },
  })
  const deploy = async (id: string, answer: string, own: Record<string, unknown> = {}, on = target) =>
    on.apply({ ...(await held()), ...applied(id, answer), environment: at(own) })
  const restore = async (releaseId: string) => target.restore?.({ ...(await held()), environment: at(), releaseId })
  const seen = async (path = '/') => (await fetch(new URL(path, web.url))).text()

  it('have their secrets, which stand on no command line and in no file', async () => {
    await deploy('a-1', 'one')
    expect(await seen()).toBe('one k3y')
    const log = await target.log('a-1')
    expect([log.includes('one is up'), log.includes('one is warned')]).toEqual([true, true])
    const { output } = await call(findEngine(ENGINE), [
      'inspect',
      '--format',
      '{{json .Config.CreateCommand}}',
      'muster-a-1',
    ])
    expect(output).toContain('--env-file=/dev/stdin')
    expect(output).not.toContain('k3y')
  })

  it('are counted by HAProxy, each failure by its kind', async () => {
    await target.samples(at(), 0, 1)
    const from = Date.now()
    for (const path of ['/', '/', '/fail', '/drop', '/cut']) await seen(path).catch(() => '')
    const counted = async () => tallied(NO_TRAFFIC, await target.samples(at(), from, Date.now() + 1000))
    await expect.poll(async () => (await counted()).requests).toBe(5)
    expect(await counted()).toMatchObject({ errors: 3, failures: { status: 1, unanswered: 1, cut: 1 } })
    expect((await target.samples(at(), from, Date.now() + 1000)).every(({ sha }) => sha === 'one')).toBe(true)
    expect(await target.measuredSince(at(), Date.now())).toBeLessThan(from)
  })

  it('switch and go back under load without a failed request', async () => {
    let [asked, failed, isOver] = [0, 0, false]
    const wanted = runs(25_000, 500)
    const customer = async () => {
      while (!isOver || asked < wanted) {
        asked++
        const answer = await fetch(web.url).catch(() => undefined)
        await answer?.arrayBuffer()
        if (answer?.status !== 200) failed++
      }
    }
    const customers = Array.from({ length: 4 }, customer)
    for (let round = 0; round < runs(10, 2); round++) {
      await deploy(`load-${round}`, `load-${round}`)
      expect(await target.current(at())).toBe(`load-${round}`)
      const [kept] = (await target.restorable?.(at())) ?? []
      await restore(kept?.releaseId ?? '')
      expect(await target.current(at())).toBe('one')
    }
    isOver = true
    await Promise.all(customers)
    expect([failed, asked >= wanted]).toEqual([0, true])
  }, 600_000)

  it('are served as before where HAProxy is started anew', async () => {
    await deploy('b-1', 'two')
    await web.restart()
    await expect.poll(() => seen().catch(() => '')).toBe('two k3y')
    expect(await target.current(at())).toBe('two')
  })

  it('are found again where the connection breaks', async () => {
    web.shut()
    await web.open()
    await expect.poll(() => target.current(at()).catch(() => 'nobody')).toBe('two')
  })

  it('are not touched where the host shows another key than the one that is known', async () => {
    const known = readFileSync(web.known, 'utf8')
    const other = known.replace(
      /ssh-ed25519 .*/,
      'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl',
    )
    for (const text of [other, '']) {
      writeFileSync(web.known, text)
      const fresh = await make()
      await expect(deploy(`c-${text.length}`, 'stolen', {}, fresh)).rejects.toThrow('shows a key that is not the one')
      await expect(fresh.current(at())).rejects.toThrow('shows a key that is not the one')
      await fresh.host?.close(false)
    }
    writeFileSync(web.known, known)
    expect(await seen()).toBe('two k3y')
  })

  it.each([
    [
      'a host that nobody knows',
      { MUSTER_DEPLOY_HOSTS: 'acme/x:production=no-such-host.invalid/shop' },
      'cannot be reached now',
    ],
    ['a key that is not let in', { MUSTER_DEPLOY_SSH_CONFIG: 'without-key' }, 'does not let Muster in'],
    ['no host at all', { MUSTER_DEPLOY_HOSTS: '' }, 'Nobody has set where'],
    ['a backend that is not there', { MUSTER_DEPLOY_HOSTS: 'acme/x:production=web1/nope' }, 'no backend `nope`'],
    ['a backend with one server', { MUSTER_DEPLOY_HOSTS: 'acme/x:production=web1/alone' }, 'no backend `alone`'],
    ['no HAProxy', { MUSTER_DEPLOY_HAPROXY: '/nowhere/admin.sock' }, 'HAProxy does not answer'],
  ])('say what is wrong with %s', async (_, own: Record<string, string>, what) => {
    if (own['MUSTER_DEPLOY_SSH_CONFIG']) {
      own['MUSTER_DEPLOY_SSH_CONFIG'] = join(dir, 'without-key')
      writeFileSync(
        own['MUSTER_DEPLOY_SSH_CONFIG'],
        readFileSync(web.config, 'utf8').replace(/IdentityFile .*/, 'IdentityFile none'),
      )
    }
    const fresh = await make(own)
    await expect(deploy(`d-${what.length}`, 'x', {}, fresh)).rejects.toThrow(what)
    await fresh.host?.close(false)
    expect(await seen()).toBe('two k3y')
  })

  it('are asked by the way that people take, where nobody can come by SSH now', async () => {
    const fresh = await make({ MUSTER_DEPLOY_HOSTS: 'acme/x:production=no-such-host.invalid/shop' })
    expect([await fresh.probe(at(), 'two'), await fresh.probe(at({ health: '/fail' }), 'two')]).toEqual([true, false])
    await fresh.host?.close(false)
  })

  it('say so where a secret has several lines, where nothing is to be built, and where the image is not let in', async () => {
    env['PRICE_KEY'] = 'two\nlines'
    const fresh = await make()
    await expect(deploy('e-1', 'x', {}, fresh)).rejects.toThrow('has several lines')
    env['PRICE_KEY'] = 'k3y'
    await fresh.host?.close(false)
    await expect(deploy('e-2', 'x', { dockerfile: 'Other' })).rejects.toThrow('There is no `Other` in this commit.')
    await expect(deploy('e-3', 'x', { image: 'ghcr.io/acme/other:{sha}' })).rejects.toThrow(
      'may not be run of the image',
    )
    await expect(deploy('e-4', 'x', { image: 'localhost/nowhere:{sha}' })).rejects.toThrow('could not be fetched')
    expect(await seen()).toBe('two k3y')
  })

  it('leave the old one where the port is taken, or HAProxy finds the new one not healthy', async () => {
    const { output } = await call(findEngine(ENGINE), ['port', 'muster-b-1'])
    const idle = web.ports.find((port) => !output.includes(`:${port}`)) ?? 0
    const [warm] = (await target.restorable?.(at())) ?? []
    await call(findEngine(ENGINE), ['rm', '--force', `muster-${warm?.releaseId ?? ''}`])
    const taken = createServer((socket) => socket.on('error', () => {})).listen(idle, '127.0.0.1')
    await expect(deploy('f-1', 'x')).rejects.toThrow('was not started')
    await new Promise((done) => taken.close(done))
    expect(await seen()).toBe('two k3y')
    expect(await target.current(at())).toBe('two')
  })

  it('go on where somebody was killed who had sent people to one, and did not come back', async () => {
    await deploy('g-1', 'three')
    const row = await db.storage.store.releases.get('g-1')
    const before = await db.storage.store.releases.get('b-1')
    // As it is where that ended right before it was written down.
    if (row && before) {
      await db.storage.store.releases.save({ ...row, status: 'starting', liveAt: undefined })
      await db.storage.store.releases.save({ ...before, status: 'live' })
    }
    expect(await target.current(at())).toBe('three')
    expect(await target.observe('g-1')).toEqual({ state: 'unfinished' })
    await deploy('g-1', 'three')
    expect((await target.observe('g-1')).state).toBe('live')
    expect(await seen()).toBe('three k3y')
  })

  it('are taken back though what has the rest has died, and HAProxy may be slow to see it', async () => {
    await target.apply({ ...(await held()), ...applied('i-1', 'share'), environment: at(), percent: 50 })
    await call(findEngine(ENGINE), ['rm', '--force', 'muster-g-1'])
    await restore('g-1')
    expect(new Set(await Promise.all(Array.from({ length: 20 }, () => seen())))).toEqual(new Set(['three k3y']))
    expect(await target.current(at())).toBe('three')
  })

  it('change nothing where somebody else has it by now, whoever people are sent to', async () => {
    await deploy('j-1', 'four')
    const [row, before] = [await db.storage.store.releases.get('j-1'), await db.storage.store.releases.get('g-1')]
    if (row && before) {
      await db.storage.store.releases.save({ ...row, status: 'starting', liveAt: undefined })
      await db.storage.store.releases.save({ ...before, status: 'live' })
    }
    const mayNot = () => {
      throw new Error('somebody else has it')
    }
    const other = { ...(await held()), ...applied('j-2', 'stolen'), environment: at(), mayAct: mayNot }
    await expect(target.apply(other)).rejects.toThrow('somebody else has it')
    expect(await seen()).toBe('four k3y')
    if (row && before) {
      await db.storage.store.releases.save({ ...before, status: 'retired' })
      await db.storage.store.releases.save(row)
    }
  })

  it('are told apart from what is said beside it: a warning is no answer', async () => {
    web.says('WARN[0000] the user session is not there')
    await deploy('k-1', 'five')
    expect([await seen(), await target.current(at())]).toEqual(['five k3y', 'five'])
    web.says('')
  })

  it('end their work where it is cancelled in the middle of what is sent there', async () => {
    const stopped = new AbortController()
    const big = applied('l-1', 'big', 60_000_000)
    const going = target.apply({ ...(await held()), ...big, environment: at(), signal: stopped.signal })
    setTimeout(() => stopped.abort(new Error('stopped')), 700)
    await expect(going).rejects.toThrow()
    expect(await seen()).toBe('five k3y')
  })

  it('are given what the settings say as it is, whatever signs are in it', async () => {
    const odd = `it's "odd" \\ \\' ; $(id) \`id\` & \n of two lines`
    await deploy('k-2', 'six', { env: { ODD: odd } })
    expect(await seen('/env')).toBe(odd)
    await deploy('k-3', 'five')
  })

  it('leave a server alone that somebody has taken out of service', async () => {
    const idle = await web.maintain(true)
    await expect(deploy('m-1', 'x')).rejects.toThrow('or out of service')
    await expect(
      target.preflight?.({ ...(await held()), environment: at(), sha: 'x', unpack: async () => {} }),
    ).rejects.toThrow('or out of service')
    await web.maintain(false)
    expect(idle).toMatch(/blue|green/)
    expect(await seen()).toBe('five k3y')
  })

  it('keep what can be gone back to, and no more', async () => {
    for (let nth = 0; nth < 6; nth++) await deploy(`h-${nth}`, `h${nth}`)
    expect((await target.restorable?.(at()))?.map(({ releaseId }) => releaseId)).toEqual(['h-4', 'h-3', 'h-2', 'h-1'])
    await restore('h-1')
    expect(await seen()).toBe('h1 k3y')
    const { output } = await call(findEngine(ENGINE), [
      'ps',
      '--filter',
      'label=muster.server',
      '--format',
      '{{.Names}}',
    ])
    expect(output.trim().split('\n').toSorted()).toEqual(['muster-h-1', 'muster-h-5'])
    await expect(restore('h-0')).rejects.toThrow('not kept any more')
  })
})
