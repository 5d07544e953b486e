import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { statusCard } from '../../src/core/reply/card.ts'
import { decide } from '../../src/core/deciding/decide.ts'
import { mostAtOnce, startable } from '../../src/core/task/resources.ts'
import type { Gate, Task } from '../../src/core/task/types.ts'
import { dependents, type StepDefinition } from '../../src/core/workflows/define.ts'
import { addWorkflow, isKnown, workflowOf } from '../../src/core/workflows/registry.ts'
import { renderMarkdown } from '../../src/channels/github/render.ts'
import { kindOf, play } from '../support/eight.ts'
import { playWide } from '../support/wide.ts'
import { alice, said } from '../support/tasks.ts'

const run = (policy: 'sequential' | 'parallel' | 'hybrid' | 'adaptive', most = 4, extra = {}) =>
  play({ schedule: { policy, most }, ...extra })

describe('eight steps, several of them side by side', () => {
  it.each([
    // One after the other, as they are wanted; all that can; two at a time; as many as four, where nothing speaks against it.
    ['sequential', 4, 'abcdefgh', 1],
    ['parallel', 4, 'abcdefgh', 3],
    ['hybrid', 2, 'abcdefgh', 2],
    ['adaptive', 4, 'abcdefgh', 3],
  ] as const)('%s (at most %i): in the order %s, %i at once', (policy, most, order, atOnce) => {
    const { task, ...seen } = run(policy, most)
    expect(task.outcome).toBe('all eight')
    expect(seen).toMatchObject({ order, atOnce })
  })

  it('adaptive: half as many after a failure, one more after each success', () => {
    const most = (statuses: string) => {
      const { task } = run('adaptive', 8)
      const steps = task.steps.slice(0, statuses.length).map((step, index) => ({
        ...step,
        status: statuses[index] === 'x' ? ('failed' as const) : ('done' as const),
        endedAt: index,
        costUsd: 0.01,
      }))
      return mostAtOnce({ ...task, steps })
    }
    expect(['', '.', 'x', 'xx', 'xxx', 'xxxx', 'xx.', 'xx..'].map(most)).toEqual([8, 8, 4, 2, 1, 1, 3, 4])
  })

  it('adaptive: no more at once than what is left would pay for', () => {
    // Each of them costs a dollar; three dollars pay for `a` and two more.
    const { atOnce } = run('adaptive', 4, { budgetUsd: 3, costUsd: 1 })
    expect(atOnce).toBe(2)
    expect(run('parallel', 4, { budgetUsd: 3, costUsd: 1 }).atOnce).toBe(3)
  })

  it('never keeps more of the budget for what is under way than is left of it, however many that are', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('sequential', 'parallel', 'hybrid', 'adaptive'),
        fc.integer({ min: 1, max: 9 }),
        fc.double({ min: 0.1, max: 20, noNaN: true }),
        fc.double({ min: 0, max: 0.08, noNaN: true }),
        fc.constantFrom('', 'a', 'b', 'd', 'g'),
        (policy, most, budgetUsd, part, fails) => {
          const costUsd = part * budgetUsd
          const { kept, atOnce } = play({ schedule: { policy, most }, budgetUsd, costUsd, fails })
          expect(kept).toBeLessThanOrEqual(1e-9)
          if (policy !== 'parallel') expect(atOnce).toBeLessThanOrEqual(policy === 'sequential' ? 1 : most)
        },
      ),
    )
  })

  it('shares what is left among those that could begin, and gives back what was not needed', () => {
    const { task } = run('parallel', 4, { budgetUsd: 4, costUsd: 1 })
    // `a` alone may have all of it; b, c and d share the three dollars that are left.
    expect(task.steps.slice(0, 4).map(({ capUsd }) => capUsd)).toEqual([4, 1, 1, 1])
  })

  it('holds nothing back for the money that what is begun before it does not take', () => {
    const { task } = run('parallel')
    const pending = (letter: string, needs: readonly string[]) => ({
      ...(task.steps.find(({ id }) => id === kindOf(letter)) ?? expect.fail()),
      status: 'pending' as const,
      needs,
    })
    // `h` is not paid for; nothing of the budget is left, and nobody under way is paid for.
    const steps = [pending('h', []), pending('b', []), pending('c', [])]
    const spent: Task = { ...task, steps, status: 'working', finishedAt: undefined, budgetUsd: 0 }
    expect(startable(spent).map(({ id }) => id)).toEqual([kindOf('h'), kindOf('b')])
  })

  it('gives a step that has spent its share more, as long as there is any that is kept for nobody', () => {
    let task = started('bcd', 3)
    const fund = (step: string) => {
      const outcome = decide(task, { type: 'step.fund', step, attempt: 1 }, 5000)
      task = outcome.task
      return outcome.decision.reason
    }
    expect(fund(kindOf('b'))).toBe('nothing_left')
    task = decide(task, { type: 'step.result', step: kindOf('c'), attempt: 1, result: X }, 6000).task
    task = decide(task, { type: 'turn', step: kindOf('b'), costUsd: 1 }, 6000).task
    expect(fund(kindOf('b'))).toBe('step_funded')
    // Its own dollar is spent; that of `c`, which took none, is free.
    expect(task.steps.find(({ id }) => id === kindOf('b'))?.capUsd).toBe(2)
    expect(fund(kindOf('b'))).toBe('nothing_left')
  })
})

function circle(steps: readonly StepDefinition[]): StepDefinition[] {
  return steps.map((step) => (step.kind === kindOf('a') ? { ...step, needs: [kindOf('h')] } : step))
}

const X = { kind: 'artefact', artefact: 'x' } as const

/** After `a`, so many steps under way, which share a budget. */
function started(letters: string, budgetUsd: number): Task {
  let { task } = play({ schedule: { policy: 'parallel', most: 1 }, budgetUsd, costUsd: 0, onGate: (one) => one })
  // Played to its end without costs: the same again, up to where they are begun.
  const steps = task.steps.slice(0, 4).map((step, index) => ({
    ...step,
    ...(index === 0 ? {} : { status: 'pending' as const, attempt: 0, capUsd: undefined, endedAt: undefined }),
  }))
  task = { ...task, steps, status: 'working', finishedAt: undefined, outcome: undefined }
  for (const letter of letters) task = decide(task, { type: 'step.start', step: kindOf(letter) }, 4000).task
  return task
}

describe('gates in a workflow with branches', () => {
  const waiting = () => run('parallel', 4, { found: 'unsure' })

  it('stop what depends on what is asked about, and nothing else', () => {
    const { order, task } = waiting()
    // `f` works on `d` alone; `e` wants `b`, and `g` and `h` want `e`.
    expect(order).toBe('abcdf')
    expect(task.gates.map(({ kind }) => kind)).toEqual(['question'])
    expect(task.status).toBe('waiting')
    expect([...dependents(workflowOf(task), kindOf('b'))].toSorted()).toEqual(['lab/e', 'lab/g', 'lab/h'])
  })

  it('go on together: two at a time, each decided by itself', () => {
    const { task } = waiting()
    const two = decide(
      { ...task, steps: task.steps.map((step) => (step.kind === kindOf('f') ? { ...step, status: 'running' } : step)) },
      { type: 'budget', step: kindOf('f'), attempt: 1, patch: undefined },
      500_000,
    ).task
    expect(two.gates.map(({ kind }) => kind)).toEqual(['question', 'budget'])
    const card = renderMarkdown(statusCard(two, 500_000), { redact: (text) => text })
    expect(card).toContain('Please answer the question')
    expect(card).toContain('is used up')
    const paid = decide(two, said({ verb: 'continue', usd: 5 }, alice, 700_000), 700_000).task
    expect(paid.gates.map(({ kind }) => kind)).toEqual(['question'])
    const answered = decide(paid, said({ verb: 'answer', text: 'yes' }, alice, 800_000), 800_000).task
    expect(answered.gates).toEqual([])
    const other = decide(two, said({ verb: 'answer', text: 'yes' }, alice, 800_000), 800_000).task
    expect(other.gates.map(({ kind }) => kind)).toEqual(['budget'])
  })

  it('end with what people say, and the rest goes on', () => {
    const { task, order } = run('parallel', 4, {
      found: 'unsure',
      onGate: (before: Task, _gate: Gate, at: number) =>
        decide(before, said({ verb: 'answer', text: 'It is.' }, alice, at), at).task,
    })
    expect(order).toBe('abcdfegh')
    expect(task.outcome).toBe('all eight')
  })
})

describe('a step for each of many', () => {
  it('is added for all of them at once, and what needs them waits for every one', () => {
    const many = Array.from({ length: 500 }, (_, n) => `host-${n}`)
    const { task, order, atOnce } = playWide(many)
    expect(task.outcome).toBe('joined')
    expect(task.steps).toHaveLength(502)
    expect(atOnce).toBe(500)
    expect(order.at(-1)).toBe('wide/join')
    expect(task.steps.at(-1)?.needs).toHaveLength(500)
    expect(task.steps.find(({ item }) => item === 'host-7')).toMatchObject({ id: 'wide/each.8', needs: ['wide/first'] })
  })
})

describe('a workflow of a plug-in', () => {
  it('is refused where its names are not its own, are taken, or lead nowhere', () => {
    const eight = workflowOf({ workflow: 'lab/eight' })
    expect(() => addWorkflow(eight)).toThrow('lab/eight is there twice')
    expect(() => addWorkflow({ ...eight, name: 'change' })).toThrow('lab/a is a step of another plug-in')
    expect(() => addWorkflow({ ...eight, name: 'change', steps: [], gates: [] })).toThrow(
      'is called "<plug-in>/<name>"',
    )
    expect(() => addWorkflow({ ...eight, name: 'other/eight' })).toThrow('lab/a is a step of another plug-in')
    const gates = [{ kind: 'plan', holds: 'design', wanted: () => [] }] as const
    expect(() => addWorkflow({ ...eight, name: 'lab/nine', gates })).toThrow('design, which is no step of it')
    expect(() => addWorkflow({ ...eight, name: 'lab/ten', stages: [] })).toThrow('stands in no stage')
    expect(() => addWorkflow({ ...eight, name: 'lab/round', steps: circle(eight.steps) })).toThrow('needs itself')
  })

  it('that is not there is taken for no other, and nothing goes on in it', () => {
    const { task } = run('parallel')
    expect(() => workflowOf({ workflow: 'incident' as never })).toThrow('incident is not known here')
    expect(workflowOf({ ...task, workflow: 'gone/flow' })).toMatchObject({ name: 'gone/flow', steps: [], follows: [] })
    expect([isKnown(task), isKnown({ ...task, workflow: 'gone/flow' })]).toEqual([true, false])
  })

  it('is shown from its definition: checklist, diagram and state', () => {
    const { task } = run('parallel', 4, { found: 'unsure' })
    const card = renderMarkdown(statusCard(task, 500_000), { redact: (text) => text })
    expect(card).toContain('- [x] **SA** Part a')
    expect(card).toContain('- [ ] **SA** Part h')
    expect(card).toContain('s0["SA: A"]:::done')
    expect(card).toContain('s7["SA: H"]:::ahead')
    // As it branches and joins.
    for (const edge of [
      's0 --> s1',
      's0 --> s2',
      's0 --> s3',
      's1 & s2 --> s4',
      's3 --> s5',
      's4 & s5 --> s6',
      's6 --> s7',
    ])
      expect(card).toContain(`  ${edge}\n`)
  })
})
