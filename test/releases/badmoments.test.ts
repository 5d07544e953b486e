import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { unusedPort } from '../../rehearsal/stage.ts'
import { ProxyProcess } from '../../src/releases/local/proxy/client.ts'
import { isRunning, readNote } from '../../src/releases/local/beside/note.ts'
import { noteFile } from '../../src/releases/local/proxy/protocol.ts'
import type { LocalTarget } from '../../src/releases/local/target.ts'
import { NO_TOOLS } from '../../src/releases/tools.ts'
import type { ApplyInput, Environment } from '../../src/releases/types.ts'
import { isFull } from '../support/amount.ts'
import { localTarget, productionAt } from '../support/local.ts'
import { embedded, fenceOf, type TestDatabase } from '../support/databases.ts'

/** The process that has the ports is killed, told to end, or does not answer, at the worst moments. */

let db: TestDatabase
let dir = ''
let target: LocalTarget
const make = (host = '127.0.0.1') => localTarget(db, dir, { host })
beforeEach(async () => {
  db = await embedded()
  dir = mkdtempSync(join(tmpdir(), 'muster-moments-'))
  target = make()
})
afterEach(async () => {
  await target.host.close(true).catch(() => {})
  for (const pid of services()) process.kill(pid, 'SIGKILL')
  await db.drop()
  rmSync(dir, { recursive: true, force: true })
})

const SERVER = (answer: string) => `import { createServer } from 'node:http'
const server = createServer((q, s) => q.url === '/slow' ? setTimeout(() => s.end('slow ${answer}'), 5000) : s.end('${answer}'))
server.on('upgrade', (q, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nconnection: upgrade\\r\\nupgrade: websocket\\r\\n\\r\\n')
  socket.on('error', () => {})
})
server.listen(Number(process.env.PORT))`
async function deploy(id: string, environment: Environment, more: Partial<ApplyInput> = {}): Promise<void> {
  await target.apply({
    environment,
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
    ...more,
  })
}
const restore = async (environment: Environment, releaseId: string) =>
  target.restore({
    environment,
    releaseId,
    signal: new AbortController().signal,
    mayAct: () => {},
    fence: await fenceOf(db, 'env:acme/x:production'),
  })
const note = () => readNote(noteFile(join(dir, 'releases')))
const proxy = () => new ProxyProcess(join(dir, 'releases'), () => {}).find()
const live = async () => (await db.storage.store.releases.live('acme/x', 'production'))?.id
const ask = (port: number, path = '/') =>
  fetch(`http://127.0.0.1:${port}${path}`).then(
    (response) => response.text(),
    () => 'nobody',
  )
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))
const comesTo = (port: number, answer: string) => expect.poll(() => ask(port)).toBe(answer)

/** The services of this file that run. */
function services(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`).startsWith(dir)
      } catch {
        return false
      }
    })
    .map(Number)
}

/** Somebody who holds a connection for good. */
async function listener(port: number) {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')
  await new Promise((heard) => socket.once('data', heard))
  return socket
}

it('killed while a deploy waits for the old release, the deploy stands, and people are led to it', async () => {
  const port = await unusedPort()
  await deploy('one', productionAt(port))
  await target.host.adopt()
  const slow = ask(port, '/slow')
  await pause(300)
  const deploying = deploy('two', productionAt(port))
  await expect.poll(live).toBe('two')
  await pause(300)
  process.kill(note()?.pid ?? 0, 'SIGKILL')
  await deploying
  await slow
  await comesTo(port, 'two')
  expect([await live(), await target.current(productionAt(port))]).toEqual(['two', 'sha-two'])
})

it.each(['SIGTERM', 'stop'] as const)(
  'told to end by %s while somebody holds a connection, another one serves',
  async (how) => {
    const port = await unusedPort()
    await deploy('one', productionAt(port))
    await target.host.adopt()
    const socket = await listener(port)
    const { pid = 0 } = note() ?? {}
    if (how === 'stop') await proxy()?.stop({})
    else process.kill(pid, 'SIGTERM')
    await expect.poll(() => note()?.pid !== pid && note() !== undefined).toBe(true)
    await comesTo(port, 'one')
    expect(await target.current(productionAt(port))).toBe('sha-one')
    socket.destroy()
  },
  90_000,
)

it('does not keep a first release that nobody can be led to', async () => {
  const port = await unusedPort()
  let begun = 0
  let other: Server | undefined
  const mayAct = () => {
    begun = services().length
    process.kill(note()?.pid ?? 0, 'SIGKILL')
    other = createServer().listen(port, '127.0.0.1')
    const until = Date.now() + 300
    while (Date.now() < until);
  }
  await expect(deploy('one', productionAt(port), { mayAct })).rejects.toThrow(
    `The port ${port} of this environment cannot be opened`,
  )
  other?.close()
  expect([await live(), await target.observe('one')]).toMatchObject([undefined, { state: 'failed' }])
  await expect.poll(() => services().length).toBe(0)
  expect(begun).toBe(1)
})

it('goes back to a release from before the port was changed, where people are', async () => {
  const [before, now] = [await unusedPort(), await unusedPort()]
  await deploy('one', productionAt(before))
  await deploy('two', productionAt(now))
  await restore(productionAt(now), 'one')
  expect([await ask(before), await ask(now), await target.probe(productionAt(now))]).toEqual(['nobody', 'one', true])
})

it('follows what is written down where a backup was put back', async () => {
  const port = await unusedPort()
  await deploy('one', productionAt(port))
  const { releases } = db.storage.store
  const one = await releases.get('one')
  await deploy('two', productionAt(port))
  const two = await releases.get('two')
  if (!one || !two) throw new Error('unreachable')
  await releases.save({ ...two, status: 'failed', liveAt: undefined })
  await releases.save(one)
  await target.host.adopt()
  await comesTo(port, 'one')
})

it('listens where it is told to, and nowhere else any more', async () => {
  const port = await unusedPort()
  await target.host.close(false)
  target = make('0.0.0.0')
  await deploy('one', productionAt(port))
  expect((await proxy()?.state({}))?.environments[0]?.listeners).toEqual([{ port, host: '0.0.0.0' }])
  await target.host.close(false)
  target = make()
  await target.host.adopt()
  expect((await proxy()?.state({}))?.environments[0]?.listeners).toEqual([{ port, host: '127.0.0.1' }])
  expect(await ask(port)).toBe('one')
})

it('is upgraded twice at once; whoever stays connected is led on, and every request is counted', async () => {
  const port = await unusedPort()
  const program = join(import.meta.dirname, '../../src/releases/local/proxy/main.ts')
  await deploy('one', productionAt(port))
  await target.host.adopt()
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const seen: string[] = []
  let isOver = false
  const kept = async () => {
    while (!isOver) {
      const answer = await new Promise<string>((resolve) => {
        get({ host: '127.0.0.1', port, agent }, (response) => {
          let text = ''
          response.on('data', (part) => (text += String(part)))
          response.on('end', () => resolve(text))
        }).on('error', (error) => resolve(error.message))
      })
      seen.push(answer)
      await pause(20)
    }
  }
  const asking = kept()
  const slow = ask(port, '/slow')
  await pause(500)
  for (let nth = 0; nth < 2; nth++) await proxy()?.handover({ node: process.execPath, program })
  await deploy('two', productionAt(port))
  await expect.poll(() => seen.at(-1)).toBe('two')
  isOver = true
  await asking
  agent.destroy()
  expect([await slow, [...new Set(seen)]]).toEqual(['slow one', ['one', 'two']])
  const counted = async () => {
    const all = await db.storage.store.releases.samples(
      'acme/x',
      'production',
      new Date(0),
      new Date(Date.now() + 9000),
    )
    return all.reduce((sum, { requests }) => sum + requests, 0)
  }
  await expect.poll(counted).toBe(seen.length + 1)
})

it('is told of its traffic by one reader, though a step goes on after its host was given up', async () => {
  const port = await unusedPort()
  await deploy('one', productionAt(port))
  await target.host.adopt()
  const [old, gate] = [target, Promise.withResolvers<void>()]
  const tools = async () => {
    await gate.promise
    return NO_TOOLS
  }
  const deploying = deploy('two', productionAt(port), { tools })
  await pause(300)
  await old.host.close(false)
  target = make()
  await target.host.adopt()
  gate.resolve()
  await deploying
  for (let nth = 0; nth < 30; nth++) {
    await ask(port)
    await pause(100)
  }
  await target.host.close(false)
  expect((await proxy()?.take({ acknowledged: -1, now: Date.now() }))?.counted.length).toBeLessThan(4)
})

it.runIf(isFull)(
  'is ended where it does not answer when Muster begins, and people are served again',
  async () => {
    const port = await unusedPort()
    await deploy('one', productionAt(port))
    await target.host.close(false)
    const hung = note()
    process.kill(hung?.pid ?? 0, 'SIGSTOP')
    target = make()
    await target.host.adopt()
    await comesTo(port, 'one')
    expect(hung && isRunning(hung)).toBe(false)
  },
  180_000,
)
