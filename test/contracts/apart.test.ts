import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { connect } from '../../src/compose/apart/calls.ts'
import { UserError } from '../../src/core/errors.ts'
import { Lost } from '../../src/leases/types.ts'
import { QueueDown } from '../../src/queue/types.ts'
import { isDatabaseDown } from '../../src/store/sql.ts'
import { Conflict, Fenced, Settled } from '../../src/store/types.ts'

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
