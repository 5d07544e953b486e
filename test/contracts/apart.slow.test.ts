import { generateKeyPairSync } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { connect } from '../../src/compose/apart/calls.ts'
import { apartFrom } from '../../src/compose/apart/parent.ts'
import { UserError } from '../../src/core/errors.ts'
import { leaseKeeper } from '../../src/leases/keeper.ts'
import { type Claim, Lost } from '../../src/leases/types.ts'
import type { ApplyInput } from '../../src/releases/types.ts'
import { QueueDown } from '../../src/queue/types.ts'
import { isDatabaseDown } from '../../src/store/sql.ts'
import { Conflict, Fenced, Settled } from '../../src/store/types.ts'
import { embedded } from '../support/databases.ts'

/** Two ends of a channel that copies what goes over it, as the one between processes does. */
function pair() {
  const [left, right] = [new EventEmitter(), new EventEmitter()]
  const end = (self: EventEmitter, other: EventEmitter) =>
    Object.assign(self, {
      send(packet: unknown) {
        const copy: unknown = structuredClone(packet)
        setImmediate(() => other.emit('message', copy))
        return true
      },
    })
  return [end(left, right), end(right, left)] as const
}

function between(served: object) {
  const [here, there] = pair()
  connect(there as never, { there: served })
  return connect(here as never, {})
}

describe('calls between processes', () => {
  it('bring values as they are', async () => {
    const values = [
      undefined,
      null,
      'é\u0000',
      1n,
      new Date(5),
      new Map([['a', 1]]),
      new Set(['x']),
      { deep: [1, { y: undefined }] },
    ]
    const far = between({ deep: { echo: (...args: unknown[]) => args } }).remote<{
      deep: { echo(...args: unknown[]): Promise<unknown> }
    }>('there')
    expect(await far.deep.echo(...values)).toEqual(values)
    const bytes = (await far.deep.echo(Buffer.from('abc'))) as [Uint8Array]
    expect(Buffer.from(bytes[0]).toString()).toBe('abc')
  })

  it('bring errors by their kind', async () => {
    const thrown = [
      new Conflict('a'),
      new Fenced('b'),
      new Settled('c'),
      new QueueDown('d'),
      new Lost('e'),
      new UserError('code', 'f', { hint: 'do this' }),
      Object.assign(new Error('g'), { code: 'ENOSPC' }),
    ]
    const far = between({ fail: (n: number) => Promise.reject(thrown[n]) }).remote<{ fail(n: number): Promise<void> }>(
      'there',
    )
    for (const [n, error] of thrown.entries()) {
      const got: unknown = await far.fail(n).catch((caught: unknown) => caught)
      expect(got).toBeInstanceOf(error.constructor)
      const of = (one: unknown) => ['message', 'code', 'hint'].map((name) => Reflect.get(Object(one), name) as unknown)
      expect(of(got)).toEqual(of(error))
    }
    const away = new Error('Connection terminated unexpectedly')
    const down = between({ fail: () => Promise.reject(away) }).remote<{ fail(): Promise<void> }>('there')
    expect(isDatabaseDown(await down.fail().catch((caught: unknown) => caught))).toBe(true)
  })

  it('fail where nothing is served, where something cannot be sent, and when the other one ends', async () => {
    const calls = between({ give: () => () => {}, never: () => new Promise(() => {}) })
    const far = calls.remote<Record<string, (...args: unknown[]) => Promise<unknown>>>('there')
    await expect(far['nothing']?.()).rejects.toThrow('nothing is served as there.nothing')
    await expect(far['give']?.(() => {})).rejects.toThrow('could not be cloned')
    await expect(far['give']?.()).rejects.toThrow('could not be cloned')
    const waiting = far['never']?.()
    setImmediate(() => calls.close())
    await expect(waiting).rejects.toThrow('the other process ended')
  })
})

describe('the process of a suspect', () => {
  const claim: Claim = {
    fence: { table: 'lease', name: 'event:1', token: '1' },
    crashes: 2,
    signal: new AbortController().signal,
    isMine: () => true,
    release: async () => {},
    postpone: async () => {},
    progressed: async () => {},
    drop: () => {},
  }
  const entry = fileURLToPath(new URL('../support/suspect.ts', import.meta.url))

  /** @param killed how often a process may be killed before that is enough */
  function start(killed = 3, lookMs?: number) {
    let pauses = 0
    const waits: { signal: AbortSignal; applied: Promise<unknown> }[] = []
    const until = new AbortController()
    const target = {
      observe: async () => ({ state: 'absent' }) as const,
      apply: (input: ApplyInput) => {
        const applied = input.unpack('/nowhere').finally(() => input.signal.throwIfAborted())
        waits.push({ signal: input.signal, applied: applied.catch((error: unknown) => error) })
        return applied
      },
    }
    const { apart, stop } = apartFrom({
      store: { now: () => 0, leases: {} } as never,
      queue: {} as never,
      targets: { byName: { 'local-process': target } } as never,
      kick: () => {},
      sleep: async () => void (++pauses > killed && until.abort(new Error('enough'))),
      log: { warn: () => {} } as never,
      env: { NODE_NO_WARNINGS: '1' },
      workDir: '/nowhere',
      program: entry,
      lookMs,
    })
    return { run: (id: string) => apart({ kind: 'event', id }, claim, until.signal), stop, waits, tries: () => pauses }
  }

  it('whose end is its own doing is set aside at once; one that was killed never', { timeout: 120_000 }, async () => {
    expect(await start().run('aborts')).toBe('poison')
    expect(await start().run('exits')).toBe('poison')
    expect(await start().run('done')).toBe('over')
    const killed = start(8)
    expect(await killed.run('killed')).toBe('over')
    expect(killed.tries()).toBe(9)
  })

  it('that answers no more is ended, and set aside when it is so each time', { timeout: 240_000 }, async () => {
    const hangs = start(20, 100)
    expect(await hangs.run('hangs')).toBe('poison')
    expect(hangs.tries()).toBe(5)
  })

  it('that did not start, or whose work fails, says why, and is no poison', { timeout: 120_000 }, async () => {
    await expect(start().run('refuses')).rejects.toThrow('there is no slot')
    await expect(start().run('starts-not')).rejects.toThrow('did not start: 3')
    await expect(start().run('fails')).rejects.toThrow('the work failed')
  })

  it('stops with the one that started it', { timeout: 120_000 }, async () => {
    const waits = start()
    const ended = waits.run('waits')
    setTimeout(() => waits.stop(), 1000)
    expect(await ended).toBe('over')
  })

  it('takes along the deploy that is done in its name, before another one tries', { timeout: 120_000 }, async () => {
    const deploys = start(1)
    expect(await deploys.run('deploys')).toBe('over')
    const [first] = deploys.waits
    expect(first?.signal.reason).toBeInstanceOf(Lost)
    expect(await first?.applied).toBeInstanceOf(Lost)
  })
})

it('the process of a suspect is Muster itself, with the database of the one that started it', {
  timeout: 240_000,
}, async () => {
  const db = await embedded()
  const dir = mkdtempSync(join(tmpdir(), 'muster-apart-'))
  try {
    const { store } = db.storage
    const kinds: string[] = []
    const leases = leaseKeeper({ store, kind: 'start', version: 'test', ttlMs: 60_000, log: () => {} })
    const { id } = await store.inbox.insert({
      source: 'github',
      deliveryId: 'apart',
      kind: 'ping',
      body: Buffer.from('{}'),
    })
    const claim = await leases.acquire(`event:${id}`)
    if (!claim) throw new Error('no claim')
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    })
    const beat: typeof store.processes.beat = async (process) => {
      kinds.push(process.kind)
      await store.processes.beat(process)
    }
    const { apart } = apartFrom({
      store: { ...store, processes: { ...store.processes, beat } },
      queue: {} as never,
      targets: { byName: {} } as never,
      kick: () => {},
      sleep: async () => {},
      log: { warn: () => {} } as never,
      env: {
        APP_ID: '1',
        PRIVATE_KEY: privateKey,
        WEBHOOK_SECRET: 's'.repeat(32),
        MUSTER_SANDBOX: 'none',
        LOG_LEVEL: 'error',
      },
      workDir: dir,
    })
    expect(await apart({ kind: 'event', id }, claim, claim.signal)).toBe('over')
    expect((await store.inbox.get(id))?.event).toMatchObject({ decision: { outcome: 'ignored', reason: 'ping' } })
    // Among the processes while it worked, and gone from them by itself.
    expect(kinds).toContain('apart')
    expect((await store.processes.list()).map(({ kind }) => kind)).not.toContain('apart')
    await claim.release()
  } finally {
    rmSync(dir, { recursive: true, force: true })
    await db.drop()
  }
})
