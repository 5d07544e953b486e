import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { markerOf, readMarker } from '../../src/core/hash.ts'
import { backoffMs } from '../../src/core/retry.ts'
import { EFFECTS, laneOf } from '../../src/core/effecttable.ts'
import type { EffectBody } from '../../src/core/effects.ts'
import { dueAt, ORPHAN_MS } from '../../src/outbox/lanes.ts'
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
  since: new Date(0),
  ...extra,
})
const status = (extra: Partial<StoredEffect> = {}) =>
  effect('status', { body: { kind: 'status.upsert', place }, ...extra })

describe('when an effect is due', () => {
  it('is at once, or when it was postponed to', () => {
    expect(dueAt(effect('a'))).toBe(0)
    expect(dueAt(effect('a', { notBefore: new Date(500) }))).toBe(500)
  })

  it('is at most every two seconds for the status comment', () => {
    expect(dueAt(status({ result: { id: 1 }, sentAt: new Date(1000) }))).toBe(1000 + EFFECTS['status.upsert'].pauseMs)
  })

  it('is after an unknown outcome only when it would be visible', () => {
    expect(dueAt(effect('a', { status: 'sent', sentAt: new Date(1000), attempts: 1 }))).toBe(1000 + ORPHAN_MS)
  })

  it('stands in one lane with what else is new in the conversation; what is edited has its own', () => {
    const place = { repository: origin.repository, number: 5 }
    const lane = (key: string, body: EffectBody) => laneOf('t', 'c', { key, body })
    expect(lane('x', { kind: 'comment', place, document: [] })).toMatchObject({ lane: 'c', priority: 1 })
    expect(lane('y', { kind: 'reaction', place, target: { on: 'issue', number: 1 }, content: 'eyes' })).toMatchObject({
      lane: 'c',
      priority: 0,
    })
    expect(lane('status', { kind: 'status.upsert', place })).toMatchObject({
      lane: 't status',
      priority: 2,
      account: 'github:7',
    })
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
