import { expect, it } from 'vitest'
import { statusCard } from '../../src/core/reply/card.ts'
import { plainDocument } from '../../src/core/reply/plain.ts'
import type { Doing } from '../../src/core/task/types.ts'
import { activityOf, SILENT_MS } from '../../src/workflow/activity.ts'
import { Driver } from '../support/driver.ts'

/** A clock that is wound by hand. */
function clockwork() {
  let now = 1000
  let due: { readonly at: number; readonly call: () => void } | undefined
  const told: (readonly [Doing | undefined, number])[] = []
  const activity = activityOf({
    now: () => now,
    after: (ms, call) => {
      due = { at: now + ms, call }
      return () => (due = undefined)
    },
    tell: (doing, since) => void told.push([doing, since]),
  })
  const wind = (ms: number) => {
    now += ms
    const one = due
    if (!one || one.at > now) return
    due = undefined
    one.call()
  }
  return { activity, told, wind }
}
const command: Doing = { kind: 'command', command: 'npm test' }

it('tells what lasts, since when, and that it is over; what is quick is not worth a word', async () => {
  const { activity, told, wind } = clockwork()
  await activity.during({ kind: 'clone' }, async () => wind(SILENT_MS - 1))
  expect(told).toEqual([])
  const before = 1000 + SILENT_MS - 1
  await activity.during(command, async () => wind(SILENT_MS))
  expect(told).toEqual([
    [command, before],
    [undefined, before + SILENT_MS],
  ])
  await expect(activity.during({ kind: 'model' }, () => Promise.reject(new Error('down')))).rejects.toThrow('down')
  expect(told).toHaveLength(2)
})

it('says nothing of a step that is over', async () => {
  const { activity, told, wind } = clockwork()
  await activity.during(command, async () => {
    activity.end()
    wind(SILENT_MS)
  })
  expect(told).toEqual([])
})

it('stands in the card by the clock until something happens', () => {
  const d = new Driver()
  d.do({ type: 'step.start', step: 'spec' })
  const doing = (what: Doing | undefined) =>
    d.do({ type: 'step.doing', step: 'spec', attempt: 1, doing: what, since: Date.UTC(2026, 10, 20, 14, 3) })
  const card = () => plainDocument(statusCard(d.task, d.at))
  doing(command)
  expect(card()).toContain('running npm test since 14:03 UTC, 20 Nov')
  expect(d.kinds()).toContain('status.upsert')
  doing(undefined)
  expect(card()).not.toContain('since')
  doing({ kind: 'model' })
  expect(card()).toContain('waiting for the model since 14:03 UTC, 20 Nov')
  d.do({ type: 'turn', step: 'spec', costUsd: 0.1 })
  expect(card()).not.toContain('since')
  // An attempt that is over tells nothing.
  expect(d.do({ type: 'step.doing', step: 'spec', attempt: 9, doing: command, since: 1 }).decision.reason).toBe(
    'stale_step',
  )
})
