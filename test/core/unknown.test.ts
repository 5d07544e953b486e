import { describe, expect, it } from 'vitest'
import { knownSource, sources } from '../../src/core/inbound.ts'
import { evolve } from '../../src/core/task/evolve.ts'
import { progress } from '../../src/core/task/progress.ts'
import type { StepKind, TaskEvent, WorkflowName } from '../../src/core/task/types.ts'
import { handlerFor } from '../../src/roles/registry.ts'
import { opened } from '../support/tasks.ts'

/** What a newer version may have written; this one's types know nothing of it. */
const newer = <T>(value: unknown) => value as T

describe('what this version does not know is not passed over in silence', () => {
  it('an event of a history', () => {
    const event = newer<TaskEvent>({ type: 'slice.joined', slice: 'a' })
    expect(() => evolve(opened().task, event, 1)).toThrow('not known to this version: {"type":"slice.joined"')
  })

  it('a workflow', () => {
    const task = { ...opened().task, steps: [], workflow: newer<WorkflowName>('incident') }
    expect(() => progress(task)).toThrow('the workflow incident is not known')
  })

  it('a kind of step', () => {
    for (const kind of ['escalate', 'toString'].map(newer<StepKind>))
      expect(() => handlerFor(kind)).toThrow('is not known here')
  })

  it('a source', () => {
    expect(knownSource('teams')).toBeUndefined()
    for (const source of sources()) expect(knownSource(source)).toBe(source)
  })
})
