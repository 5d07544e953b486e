import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { markerOf, readMarker } from '../../src/core/hash.ts'
import { backoffMs } from '../../src/core/retry.ts'
import { pick, SETTLE_MS } from '../../src/outbox/lanes.ts'
import type { StoredEffect } from '../../src/store/types.ts'
import { origin } from '../support/tasks.ts'

const place = { repository: origin.repository, number: 5 }
const effect = (id: string, extra: Partial<StoredEffect> = {}): StoredEffect => ({
  id,
  scope: 't',
  key: id,
  conversationId: 'c',
  taskId: 't',
  body: { kind: 'comment', place, document: [] },
  status: 'intent',
  revision: 1,
  result: undefined,
  attempts: 0,
  notBefore: undefined,
  sentAt: undefined,
  createdAt: new Date(0),
  ...extra,
})
const status = (extra: Partial<StoredEffect> = {}) =>
  effect('status', { body: { kind: 'status.upsert', place }, ...extra })

describe('the lanes of the outbox', () => {
  it('keep what is new in a conversation in order, and let edits pass', () => {
    const { ready } = pick([effect('a'), effect('b'), status(), effect('x', { conversationId: 'other' })], new Set(), 0)
    expect(ready.map((one) => one.id)).toEqual(['a', 'status', 'x'])
    expect(pick([effect('a', { notBefore: new Date(500) }), effect('b')], new Set(), 100)).toEqual({
      ready: [],
      next: 500,
    })
  })

  it('edit the status comment at most every two seconds', () => {
    const edited = status({ result: { id: 1 }, sentAt: new Date(1000) })
    expect(pick([edited], new Set(), 2500)).toEqual({ ready: [], next: 3000 })
    expect(pick([edited], new Set(), 3000).ready).toHaveLength(1)
  })

  it('wait after an unknown outcome until it would be visible', () => {
    expect(pick([effect('a', { status: 'sent', sentAt: new Date(1000), attempts: 1 })], new Set(), 1500)).toEqual({
      ready: [],
      next: 1000 + SETTLE_MS,
    })
  })

  it('never send two of a lane at once', () => {
    const kinds = fc.record({ id: fc.uuid(), conversationId: fc.constantFrom('a', 'b', 'c'), busy: fc.boolean() })
    fc.assert(
      fc.property(fc.array(kinds, { maxLength: 30 }), (rows) => {
        const busy = new Set(rows.filter((row) => row.busy).map((row) => row.conversationId))
        const { ready } = pick(
          rows.map((row) => effect(row.id, { conversationId: row.conversationId })),
          busy,
          0,
        )
        const lanes = ready.map((one) => one.conversationId)
        expect(new Set(lanes).size).toBe(lanes.length)
        for (const lane of busy) expect(lanes).not.toContain(lane)
      }),
    )
  })
})

it('markers cannot be made by others', () => {
  expect(readMarker(markerOf('e1', 'key'), 'key')).toBe('e1')
  for (const forged of [markerOf('e1', 'other'), markerOf('e1', 'key').replace('e1', 'e2'), 'muster:e1:', 'x'])
    expect(readMarker(forged, 'key')).toBeUndefined()
})

it('waits longer and longer, within bounds', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (attempt, random) => {
        const wait = backoffMs(attempt, random)
        expect(wait).toBeGreaterThanOrEqual(50)
        expect(wait).toBeLessThanOrEqual(60_000)
      },
    ),
  )
})
