import { type ChildProcess, spawn } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { Agent, get as httpGet } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { unusedPort } from '../../rehearsal/stage.ts'
import { ProxyProcess } from '../../src/releases/local/proxy/client.ts'
import { isRunning, readNote } from '../../src/releases/local/beside/note.ts'
import { noteFile } from '../../src/releases/local/proxy/protocol.ts'
import { NO_TOOLS } from '../../src/releases/tools.ts'
import type { LocalTarget } from '../../src/releases/local/target.ts'
import type { Environment } from '../../src/releases/types.ts'
import { runs } from '../support/amount.ts'
import { localTarget, productionAt } from '../support/local.ts'
import { embedded, fenceOf, type TestDatabase } from '../support/databases.ts'

/** The process that has the ports: what happens to it, and to whoever asks meanwhile. */

const SOURCES = join(import.meta.dirname, '../../src')
let db: TestDatabase
let dir = ''
let target: LocalTarget
let environment: Environment
const make = () => localTarget(db, dir)
const releases = () => join(dir, 'releases')
const note = () => readNote(noteFile(releases()))

beforeAll(async () => {
  process.env['MUSTER_TEST_MARK'] = 'a-secret-of-the-server'
  db = await embedded()
  dir = mkdtempSync(join(tmpdir(), 'muster-proxy-'))
  target = make()
  environment = productionAt(await unusedPort())
  await deploy('one')
})
afterAll(async () => {
  await target.host.close(true)
  await db.drop()
  rmSync(dir, { recursive: true, force: true })
})

const SERVER = (answer: string) => `import { createServer } from 'node:http'
const server = createServer((request, response) => {
  if (request.url === '/slow') return setTimeout(() => response.end('slow ${answer}'), 1500)
  response.end('${answer}')
})
server.on('upgrade', (request, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nconnection: upgrade\\r\\nupgrade: websocket\\r\\n\\r\\n')
  socket.on('data', (data) => socket.write(data))
})
server.listen(Number(process.env.PORT))`

async function deploy(id: string, at = environment): Promise<void> {
  await target.apply({
    environment: at,
    releaseId: id,
    taskId: 't',
    sha: `sha-${id}`,
    signal: new AbortController().signal,
    mayAct: () => {},
    fence: await fenceOf(db, 'env:acme/x:production'),
    tools: async () => NO_TOOLS,
    unpack: async (to) => {
      mkdirSync(to, { recursive: true })
      writeFileSync(join(to, 'server.mjs'), SERVER(id))
    },
  })
}

const port = () => Number(environment.settings['port'])
const ask = (path = '/') => fetch(`http://127.0.0.1:${port()}${path}`).then((response) => response.text())

/** People who ask all the time, half of them on connections that they keep. */
function customers() {
  const agent = new Agent({ keepAlive: true })
  const answers = new Map<string, number>()
  let isOver = false
  const kept = () =>
    new Promise<string>((resolve) => {
      const request = httpGet({ host: '127.0.0.1', port: port(), agent }, (response) => {
        let text = ''
        response.on('data', (part) => (text += String(part)))
        response.on('end', () => resolve(response.statusCode === 200 ? text : `status ${response.statusCode}`))
        response.on('error', (error) => resolve(error.message))
      })
      request.on('error', (error) => resolve(error.message))
    })
  const one = async (how: () => Promise<string>) => {
    while (!isOver) {
      const answer = await how().catch(String)
      answers.set(answer, (answers.get(answer) ?? 0) + 1)
    }
  }
  const all = [kept, kept, ask, ask].map((how) => one(how))
  return {
    asked: () => [...answers.values()].reduce((sum, count) => sum + count, 0),
    async over() {
      isOver = true
      await Promise.all(all)
      agent.destroy()
      return Object.fromEntries(answers)
    },
  }
}

async function counted(): Promise<number> {
  const samples = await db.storage.store.releases.samples(
    'acme/x',
    'production',
    new Date(0),
    new Date(Date.now() + 5000),
  )
  return samples.reduce((sum, { requests }) => sum + requests, 0)
}

/** Waits until so many more were asked. */
async function more(crowd: ReturnType<typeof customers>, count: number): Promise<void> {
  const until = crowd.asked() + count
  while (crowd.asked() < until) await new Promise((done) => setTimeout(done, 20))
}

it('serves on while Muster stops and begins anew; nobody sees it, and what was asked meanwhile is counted', async () => {
  const before = await counted()
  const crowd = customers()
  for (let nth = 0; nth < runs(5, 2); nth++) {
    await more(crowd, 50)
    await target.host.close(false)
    await more(crowd, 50)
    target = make()
    await target.host.adopt()
  }
  await more(crowd, 50)
  const answers = await crowd.over()
  expect(Object.keys(answers)).toEqual(['one'])
  await expect.poll(counted).toBe(before + Number(answers['one']))
})

/** A program of another version: the same with a remark in it. */
function otherVersion(remark: string): string {
  const other = mkdtempSync(join(dir, 'version-'))
  cpSync(SOURCES, join(other, 'src'), { recursive: true })
  symlinkSync(join(SOURCES, '../node_modules'), join(other, 'node_modules'))
  writeFileSync(join(other, 'package.json'), '{"type":"module"}')
  const program = join(other, 'src/releases/local/proxy/main.ts')
  appendFileSync(program, remark)
  return program
}

/** Runs another version in the place of the one that runs. */
async function runOther(): Promise<ChildProcess> {
  await target.host.close(false)
  process.kill(note()?.pid ?? 0, 'SIGKILL')
  const child = spawn(process.execPath, [otherVersion('\n// Of last week.\n'), releases()], { stdio: 'inherit' })
  await expect.poll(() => note()?.pid === child.pid).toBe(true)
  // It is led to what is live by a Muster of its version.
  const row = await db.storage.store.releases.live('acme/x', 'production')
  const found = new ProxyProcess(releases(), () => {}).find()
  await found?.route({
    now: Date.now(),
    route: {
      repository: 'acme/x',
      environment: 'production',
      host: '127.0.0.1',
      port: port(),
      sha: row?.sha ?? '',
      upstream: row?.port ?? 0,
      since: row?.liveAt?.getTime() ?? 0,
    },
  })
  return child
}

it('hands its ports over to the program of another version; nobody is refused, and everything is counted', async () => {
  const before = await counted()
  const old = await runOther()
  const ended = new Promise((resolve) => old.once('exit', resolve))
  const crowd = customers()
  await more(crowd, 100)
  const slow = ask('/slow')
  await new Promise((done) => setTimeout(done, 200))
  target = make()
  await target.host.adopt()
  expect(note()?.pid).not.toBe(old.pid)
  expect(await slow).toBe('slow one')
  // A deploy right afterwards: whoever is still connected to the one that leaves gets there, too.
  await deploy('two')
  // Whoever keeps a connection is asked to come anew: nobody stays with the one that leaves.
  await ended
  await more(crowd, 100)
  const answers = await crowd.over()
  expect(Object.keys(answers).toSorted()).toEqual(['one', 'two'])
  await expect.poll(counted).toBe(before + Number(answers['one']) + Number(answers['two']) + 1)
  expect(await ask()).toBe('two')
  expect(await target.current(environment)).toBe('sha-two')
})

it('keeps its ports where the program of the other version ends at once, or in the middle', async () => {
  const { pid } = note() ?? {}
  const program = join(dir, 'broken.mjs')
  writeFileSync(program, 'process.exit(3)')
  const found = new ProxyProcess(releases(), () => {}).find()
  const crowd = customers()
  await expect(found?.handover({ node: process.execPath, program })).rejects.toThrow('the next program ended: 3')
  writeFileSync(program, 'process.once("message", () => process.exit(4)); process.send({ kind: "listening" })')
  await expect(found?.handover({ node: process.execPath, program })).rejects.toThrow('the next program ended')
  await more(crowd, 50)
  expect(Object.keys(await crowd.over())).toEqual(['two'])
  expect(note()?.pid).toBe(pid)
  await deploy('three')
  expect(await ask()).toBe('three')
})

it('is started again where it was killed, and leads people to what is live', async () => {
  const { pid } = note() ?? {}
  await target.host.adopt()
  process.kill(pid ?? 0, 'SIGKILL')
  await expect.poll(() => ask().catch(() => '')).toBe('three')
  expect(await target.current(environment)).toBe('sha-three')
  // In the middle of a deploy as well, and while it is asked.
  for (let nth = 0; nth < runs(20, 3); nth++) {
    process.kill(note()?.pid ?? 0, 'SIGKILL')
    await deploy(`three-${nth}`)
    await expect.poll(() => ask().catch(() => '')).toBe(`three-${nth}`)
  }
  const asked = new Set<number>()
  const { revision: which } = await new ProxyProcess(releases(), () => {}).ask(async (proxy) => {
    const { pid: its = 0 } = note() ?? {}
    if (asked.size === 0) process.kill(its, 'SIGKILL')
    asked.add(its)
    return proxy.state({})
  })
  expect(which).toMatch(/^[\da-f]{16}$/)
  await deploy('four')
  expect(await ask()).toBe('four')
  expect(await target.current(environment)).toBe('sha-four')
})

/** Those that run with this folder. */
function running(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
        return words.some((word) => word.endsWith('proxy/main.ts')) && words.includes(releases())
      } catch {
        return false
      }
    })
    .map(Number)
}

it('is one and serves, whoever is killed while its ports change hands', async () => {
  const program = join(SOURCES, 'releases/local/proxy/main.ts')
  for (let nth = 0; nth < runs(20, 4); nth++) {
    const found = new ProxyProcess(releases(), () => {}).find()
    const before = note()?.pid ?? 0
    const over = found?.handover({ node: process.execPath, program }).catch(() => {})
    await new Promise((done) => setTimeout(done, Math.random() * 500))
    const isHeir = (pid: number) => pid !== before
    const victim = nth % 2 === 0 ? before : running().find(isHeir)
    try {
      if (victim) process.kill(victim, 'SIGKILL')
    } catch {
      // It has left by itself.
    }
    await over
    await expect.poll(() => ask().catch(() => '')).toBe('four')
    await expect.poll(() => running().length).toBe(1)
    expect(await target.current(environment)).toBe('sha-four')
  }
}, 300_000)

it('moves to the port that the settings name from then on', async () => {
  const old = port()
  environment = productionAt(await unusedPort())
  await deploy('five')
  expect(await ask()).toBe('five')
  const refused = await new Promise((resolve) => connect(old, '127.0.0.1').once('error', resolve))
  expect(refused).toMatchObject({ code: 'ECONNREFUSED' })
})

it('does not go back to what went live before, whoever asks late', async () => {
  const row = await db.storage.store.releases.get('four')
  const found = new ProxyProcess(releases(), () => {}).find()
  const route = {
    repository: 'acme/x',
    environment: 'production',
    host: '127.0.0.1',
    port: port(),
    sha: 'sha-four',
    upstream: row?.port ?? 0,
    since: row?.liveAt?.getTime() ?? 0,
  }
  expect(await found?.route({ route, now: Date.now() })).toEqual({ isOpen: true, isOlder: true })
  expect(await ask()).toBe('five')
})

it('passes on what is no longer HTTP', async () => {
  const socket = connect(port(), '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')
  let text = ''
  socket.on('data', (part) => (text += part.toString('latin1')))
  await expect.poll(() => text).toContain('101 Switching Protocols')
  socket.write('hello')
  await expect.poll(() => text).toContain('hello')
  socket.destroy()
  expect(await ask()).toBe('five')
})

it('listens to nobody who does not know the token, and lives on after what it does not understand', async () => {
  const { port: at = 0, token = '' } = note() ?? {}
  const tell = async (path: string, how: RequestInit) =>
    (await fetch(`http://127.0.0.1:${at}${path}`, { method: 'POST', body: '{}', ...how })).status
  expect(await tell('/stop', {})).toBe(401)
  expect(await tell('/stop', { headers: { authorization: 'Bearer wrong' } })).toBe(401)
  const headers = { authorization: `Bearer ${token}` }
  expect(await tell('/unknown', { headers })).toBe(404)
  expect(await tell('/state', { headers, body: 'no json' })).toBe(500)
  expect(await tell('/route', { headers, body: '{"route":{"port":-1}}' })).toBe(500)
  expect(await ask()).toBe('five')
  // Nobody else on this machine reads it, and it has none of the secrets of whoever started it.
  expect(statSync(noteFile(releases())).mode & 0o077).toBe(0)
  const environ = readFileSync(`/proc/${note()?.pid}/environ`, 'utf8')
  expect(environ).toContain('PATH=')
  expect(environ).not.toContain(process.env['MUSTER_TEST_MARK'])
})

it('ends where its folder is gone', async () => {
  const other = mkdtempSync(join(tmpdir(), 'muster-gone-'))
  await (await new ProxyProcess(join(other, 'releases'), () => {}).get()).state({})
  const begun = readNote(noteFile(join(other, 'releases')))
  if (!begun) throw new Error('it has not begun')
  rmSync(other, { recursive: true })
  await expect.poll(() => isRunning(begun)).toBe(false)
})
