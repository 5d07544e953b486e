import assert from 'node:assert/strict'
import { ROLES } from '../../core/roles.ts'
import { statusCard } from '../../core/reply/card.ts'
import type { RepositorySettings } from '../../core/settings.ts'
import { complete, decide, type Outcome } from '../../core/deciding/decide.ts'
import { readySteps } from '../../core/task/schedule.ts'
import type { Gate, Origin, Step, Task } from '../../core/task/types.ts'
import type { WorkflowDefinition } from '../../core/workflows/define.ts'
import { workflowOf } from '../../core/workflows/registry.ts'
import { HANDLERS } from '../../roles/registry.ts'
import { defaultRepositorySettings } from '../../config/repository.ts'
import { checks, type ContractCheck } from './check.ts'

/** What a workflow is put to the test with. */
export interface WorkflowBench {
  /** What a step makes, by its kind. */
  readonly artefact: (step: Step, task: Task) => unknown
  /** What people answer at a gate; it is a question unless the workflow has others. */
  readonly answer?: ((gate: Gate) => string) | undefined
}

const ALICE = { id: 1, login: 'alice' }
const ORIGIN: Origin = {
  repository: { id: 9, owner: 'acme', name: 'shop', defaultBranch: 'main', installationId: 7 },
  number: 5,
  isPullRequest: false,
  title: 'A request',
  body: 'Some words.',
  author: ALICE,
  requester: ALICE,
  trigger: 'mention',
  nth: 1,
  request: 'please',
  url: 'http://github.test/acme/shop/issues/5',
}
/** More rounds than any workflow that comes to an end. */
const MANY = 500

/** What a workflow owes (the same for every workflow); it is in the registry. */
export function workflowContract(workflow: WorkflowDefinition, bench: WorkflowBench): readonly ContractCheck[] {
  const { name, steps } = workflow
  return checks({
    'is the one that its tasks are worked on by': () => {
      assert.ok(steps.length > 0)
      assert.equal(workflowOf({ workflow: name }).name, name)
    },
    'has somebody for each of its steps': () => {
      for (const { kind, role } of steps) {
        assert.ok(HANDLERS.get(kind), `nobody does ${kind}`)
        assert.ok(ROLES.named(role), `there is no role ${role}`)
      }
    },
    'comes to its end, whatever is done side by side, and can be shown at any point': () => {
      for (const policy of ['sequential', 'parallel', 'hybrid', 'adaptive'] as const) {
        const { task, seen } = played(workflow, bench, { policy, most: 3 })
        assert.equal(task.status, 'done', `${policy}: it ends as ${task.status} with ${left(task)}`)
        for (const one of seen) assert.ok(statusCard(one, 60_000).length > 0)
      }
    },
    'can be cancelled at any point': () => {
      for (const task of played(workflow, bench, { policy: 'parallel', most: 3 }).seen) {
        if (task.status !== 'working' && task.status !== 'waiting') continue
        const after = decide(task, person({ verb: 'cancel', text: '' }), 90_000).task
        assert.equal(after.status, 'cancelled')
        assert.deepEqual(readySteps(after), [])
      }
    },
    'waits where a step fails, and goes on with it when it is tried again': () => {
      const { task } = played(workflow, bench, { policy: 'sequential', most: 1 }, true)
      assert.equal(task.status, 'done', `it ends as ${task.status} with ${left(task)}`)
    },
  })
}

function left(task: Task): string {
  return task.steps.map(({ id, status }) => `${id}: ${status}`).join(', ')
}

type Said = Extract<Parameters<typeof decide>[1], { type: 'person' }>

function person(command: Said['command']): Said {
  return { type: 'person', by: ALICE, canWrite: true, command, receivedAt: 1000, writtenAt: 1000, commentId: undefined }
}

/** Plays it: whatever may begin begins, then all that runs ends. @param fails whether each kind of step fails the first time */
function played(
  { name }: WorkflowDefinition,
  { artefact, answer = () => 'go on' }: WorkflowBench,
  schedule: NonNullable<RepositorySettings['schedule']>,
  fails = false,
): { readonly task: Task; readonly seen: readonly Task[] } {
  let at = 1000
  const seen: Task[] = []
  const failed = new Set<string>()
  const opened = {
    type: 'task.opened',
    id: 't1',
    conversationId: 'c1',
    workflow: name,
    origin: ORIGIN,
    settings: { ...defaultRepositorySettings(), schedule },
    forcePlanGate: false,
  } as const
  const take = (outcome: Outcome) => {
    seen.push(outcome.task)
    return outcome.task
  }
  const decision = { outcome: 'accepted', reason: 'x', detail: '' } as const
  let task = take(complete(undefined, { events: [opened], decision }, at))
  for (let round = 0; round < MANY && (task.status === 'working' || task.status === 'waiting'); round++) {
    at += 1000
    for (const { id } of readySteps(task)) task = take(decide(task, { type: 'step.start', step: id }, at))
    const running = task.steps.filter(({ status }) => status === 'running')
    for (const step of running) {
      const { id, attempt } = step
      if (fails && !failed.has(step.kind)) {
        failed.add(step.kind)
        const error = { code: 'x', message: 'it did not work' }
        task = take(decide(task, { type: 'step.error', step: id, attempt, error }, at))
        task = take(decide(task, person({ verb: 'retry', text: '' }), at))
      } else {
        const result = { kind: 'artefact', artefact: artefact(step, task) } as const
        task = take(decide(task, { type: 'step.result', step: id, attempt, result }, at))
      }
    }
    const [gate] = task.gates
    if (running.length === 0 && gate) task = take(decide(task, person({ verb: 'answer', text: answer(gate) }), at))
    else if (running.length === 0 && readySteps(task).length === 0) break
  }
  return { task, seen }
}
