import { describe, expect, it } from 'vitest'
import type { StepDefinition } from '../../src/core/workflows/define.ts'
import { statusCard } from '../../src/core/reply/card.ts'
import { complete, decide } from '../../src/core/deciding/decide.ts'
import { workOf } from '../../src/core/task/work.ts'
import type { Task } from '../../src/core/task/types.ts'
import { kindOf, play } from '../support/eight.ts'
import { opened, said as saying } from '../support/tasks.ts'

/** A task of a plug-in's workflow of eight steps, with `b` under way; then the same where nobody knows the plug-in. */
const there = (): Task => {
  const { task } = play({ schedule: { policy: 'sequential', most: 1 }, fails: 'b', onGate: (one) => one })
  return task
}
const gone = (task: Task): Task => ({
  ...task,
  workflow: 'gone/eight',
  steps: task.steps.map((step) => ({ ...step, kind: `gone/${step.id.slice(-1)}` as StepDefinition['kind'] })),
})
const look = (task: Task) => decide(task, { type: 'plugins.look' }, 9000)

describe('a task whose plug-in is gone', () => {
  it('waits, and says so once, with everything it has', () => {
    const before = gone(there())
    expect(before.status).toBe('waiting')
    const { task, events, effects } = look(before)
    expect(events).toEqual([{ type: 'plugin.missed', plugin: 'gone' }])
    expect(JSON.stringify(effects)).toContain('needs the plug-in')
    expect(task.steps).toEqual(before.steps)
    expect(workOf(task)).toEqual([])
    expect(look(task).events).toEqual([])
    expect(JSON.stringify(statusCard(task, 10_000))).toContain('Waiting for a plug-in')
  })

  it('keeps what happens meanwhile, and can be cancelled', () => {
    const { task } = look(gone(there()))
    const said = decide(task, saying({ verb: 'request', text: 'Mind the gap, too.' }), 9500)
    expect(said.task.notes.map(({ text }) => text)).toEqual(['Mind the gap, too.'])
    expect(said.task.steps.filter(({ status }) => status === 'running')).toEqual([])
    expect(decide(said.task, saying({ verb: 'cancel', text: '' }), 9600).task.status).toBe('cancelled')
  })

  it('goes on once it is there again', () => {
    const missing = look(gone(there())).task
    const back = { ...missing, workflow: 'lab/eight' as const, steps: there().steps }
    const { task, events } = look(back)
    expect(events[0]).toEqual({ type: 'plugin.found', plugin: 'gone' })
    expect(task.missing).toBeUndefined()
    const again = decide(task, saying({ verb: 'retry', text: '' }), 9900).task
    expect(workOf(again).map((work) => work.kind === 'step' && work.step)).toEqual([kindOf('b')])
  })

  it('is known as such by whatever process decides first', () => {
    const { task } = opened({ workflow: 'gone/eight' })
    expect(task).toMatchObject({ missing: 'gone', steps: [] })
    const step = {
      id: 'gone/x',
      kind: 'gone/x',
      role: 'gone/r',
      needs: [],
      rework: undefined,
      release: undefined,
    } as const
    const change = opened().task
    const decision = { outcome: 'accepted', reason: 'x', detail: '' } as const
    const extended = complete(change, { events: [{ type: 'step.added', step }], decision }, 2000)
    expect(extended.task.missing).toBe('gone')
  })
})
