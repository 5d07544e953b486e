import fc from 'fast-check'
import { expect, it } from 'vitest'
import { workOf } from '../../src/core/task/work.ts'
import type { EffectIntent } from '../../src/core/effects.ts'
import { approvalFor } from '../../src/core/policy.ts'
import type { StepResult, TaskCommand } from '../../src/core/deciding/commands.ts'
import { decide, type Outcome } from '../../src/core/deciding/decide.ts'
import type { TurnTold } from '../../src/core/environments/types.ts'
import { watchFrom } from '../../src/core/watch.ts'
import { evolve } from '../../src/core/task/evolve.ts'
import { statusCard } from '../../src/core/reply/card.ts'
import { readySteps } from '../../src/core/task/schedule.ts'
import { isPlanned } from '../../src/core/task/steps.ts'
import type { Step, Task, TaskEvent } from '../../src/core/task/types.ts'
import { renderMarkdown } from '../../src/channels/github/render.ts'
import {
  alice,
  baseline,
  bob,
  deployed,
  design,
  opened,
  patch,
  proof,
  releasePlan,
  report,
  said,
  settings,
  spec,
} from '../support/tasks.ts'

/** What the world may throw at a task next; picks among what makes sense and what does not. */
type Move = { readonly kind: string; readonly a: number; readonly b: number }

const kinds = fc.oneof(
  { weight: 6, arbitrary: fc.constant('advance') },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      'start',
      'result',
      'result',
      'result',
      'error',
      'effect',
      'effect',
      'effect',
      'effectFailed',
      'person',
      'person',
      'review',
      'quiet',
      'merged',
      'closed',
      'pushed',
      'check',
      'budget',
      'park',
      'turn',
      'told',
    ),
  },
)
const move: fc.Arbitrary<Move> = fc.record({ kind: kinds, a: fc.nat(50), b: fc.nat(50) })
const VERBS = [
  'approve',
  'approve',
  'approve',
  'reject',
  'cancel',
  'retry',
  'deploy',
  'deploy',
  'continue',
  'request',
  'answer',
  'status',
] as const

function resultFor(step: Step, task: Task, n: number): StepResult {
  switch (step.kind) {
    case 'baseline':
      return { kind: 'baseline', baseline: baseline(n % 5 === 0 ? 'broken' : n % 3 === 0 ? 'red' : 'green') }
    case 'spec':
      return {
        kind: 'spec',
        spec: spec({ risk: n % 2 ? 'low' : 'medium', questions: n % 7 === 0 ? ['Which?'] : [], title: `T${n % 3}` }),
      }
    case 'plan':
      return {
        kind: 'plan',
        spec: spec({
          risk: n % 2 ? 'low' : 'high',
          questions: n % 7 === 0 ? ['Which?'] : [],
          title: `T${n % 3}`,
          ...(n % 11 === 0 ? { kind: 'question' as const } : {}),
        }),
        design: n % 4 === 0 ? undefined : design(`way ${n % 4}`),
      }
    case 'answer':
      return { kind: 'answer', answer: { answer: 'x' } }
    case 'design':
      return { kind: 'design', design: design(`way ${n % 4}`) }
    case 'build':
    case 'rework':
      return { kind: 'patch', patch: patch(n % 6 === 0 ? { diff: '', files: [] } : {}) }
    case 'triage': {
      const causes = ['ours', 'flaky', 'environment', 'theirs'] as const
      const cause = causes[n % causes.length] ?? 'ours'
      const about = { name: 'ci', headSha: task.headSha ?? '', runId: undefined, isJob: n % 2 === 0, url: undefined }
      return { kind: 'triage', judged: [{ ...about, cause, evidence: 'x' }] }
    }
    case 'critique': {
      const nothing = { headSha: task.headSha ?? '', baseSha: 'b', left: [], looked: '' }
      const finding = {
        path: 'a.ts',
        from: 1,
        to: 1,
        severity: 'high' as const,
        title: 'x',
        detail: 'x',
        suggestion: '',
        replacement: null,
        test: null,
        anchor: 'x',
        isInline: true,
        evidence: undefined,
      }
      return { kind: 'review', reviewed: { ...nothing, findings: n % 2 === 0 ? [finding] : [] } }
    }
    case 'prove':
      return { kind: 'proof', proof: proof(task.headSha ?? '', n % 3 !== 0) }
    case 'release_plan':
      return { kind: 'release_plan', plan: releasePlan(task.merged?.sha ?? 'x') }
    case 'deploy':
      return { kind: 'deployed', deployed: { ...deployed('m', n % 4 !== 0), isStale: n % 8 === 0 } }
    case 'watch':
      return n % 3 === 0
        ? { kind: 'looked', watch: watchFrom(1000, report('m').before), until: 2000 }
        : { kind: 'report', report: report('m') }
    default:
      throw new Error(`no result for ${step.kind}`)
  }
}

function commandFor({ kind, a, b }: Move, task: Task, open: Outcome['effects'], at: number): TaskCommand | undefined {
  const running = task.steps.filter((step) => step.status === 'running')
  const step = running[a % Math.max(1, running.length)]
  const effect = open[a % Math.max(1, open.length)]
  const by = b % 2 ? alice : bob
  switch (kind) {
    case 'advance':
      return advance(task, open, at, a, b)
    case 'start': {
      const any = task.steps[a % Math.max(1, task.steps.length)]
      const ready = readySteps(task)[0]
      return ready
        ? { type: 'step.start', step: ready.id }
        : any && b % 5 === 0
          ? { type: 'step.result', step: any.id, attempt: any.attempt, result: resultFor(any, task, b) }
          : undefined
    }
    case 'result':
      return step && { type: 'step.result', step: step.id, attempt: step.attempt, result: resultFor(step, task, b) }
    case 'error':
      return step && b % 4 === 0
        ? { type: 'step.error', step: step.id, attempt: step.attempt, error: { code: 'x', message: 'x' } }
        : undefined
    case 'park':
      return (
        step && {
          type: 'step.park',
          step: step.id,
          attempt: step.attempt,
          why: b % 2 ? 'model_busy' : 'model_credit',
          until: at + 60_000,
        }
      )
    case 'budget':
      return step && b % 6 === 0
        ? { type: 'budget', step: step.id, attempt: step.attempt, patch: undefined }
        : undefined
    case 'turn':
      return step && { type: 'turn', step: step.id, costUsd: 0.01 }
    case 'effect':
      return (
        effect && {
          type: 'effect.done',
          key: effect.key,
          kind: effect.body.kind,
          body: effect.body,
          result: { id: 100 + a, sha: `sha${a}${b}`, number: 6, nodeId: 'n', url: 'u' },
        }
      )
    case 'effectFailed':
      return effect && b % 8 === 0
        ? { type: 'effect.failed', key: effect.key, kind: effect.body.kind, body: effect.body, error: 'x' }
        : undefined
    case 'person': {
      const verb = VERBS[a % VERBS.length] ?? 'status'
      const command =
        verb === 'approve'
          ? ({ verb, sha: undefined } as const)
          : verb === 'deploy'
            ? ({ verb, environment: 'production', ref: undefined } as const)
            : verb === 'continue'
              ? ({ verb, usd: 1 } as const)
              : ({ verb, text: 'x' } as const)
      return verb === 'cancel' && b % 5 ? undefined : said(command, by, at, b % 9 !== 0)
    }
    case 'review':
      return {
        type: 'review',
        by,
        state: 'commented',
        comments: [{ id: a, reviewId: 1, thread: true, rootId: a, author: by, body: 'x', path: 'p', line: 1 }],
      }
    case 'quiet':
      return { type: 'quiet.over' }
    case 'merged':
      return task.pullRequest ? { type: 'merged', by, sha: `merge${a}` } : undefined
    case 'told': {
      const { turn, index } = task.releases.at(-1) ?? {}
      const nth = b % 5 === 0 ? 7 : (turn?.nth ?? 1)
      return { type: 'turn.told', task: task.id, release: index ?? 1, nth, turn: turnFor(b) }
    }
    case 'closed':
      return b % 10 === 0 ? { type: 'closed', by } : undefined
    case 'pushed':
      return b % 3 === 0 ? { type: 'pushed', headSha: `other${a}` } : undefined
    default:
      return { type: 'check.failed', name: 'ci', headSha: task.headSha ?? 'x', text: 'x' }
  }
}

/** What a friendly world would do next, so that long journeys are reached too. */
function advance(task: Task, open: Outcome['effects'], at: number, a: number, b: number): TaskCommand | undefined {
  const [ready] = readySteps(task)
  const running = task.steps.find((step) => step.status === 'running')
  const [effect] = open
  if (ready) return { type: 'step.start', step: ready.id }
  if (running)
    return { type: 'step.result', step: running.id, attempt: running.attempt, result: resultFor(running, task, b) }
  if (effect)
    return {
      type: 'effect.done',
      key: effect.key,
      kind: effect.body.kind,
      body: effect.body,
      result: { id: 100 + a, sha: `sha${task.version}`, number: 6, nodeId: 'n', url: 'u' },
    }
  const { turn, index } = task.releases.at(-1) ?? {}
  if (turn && index !== undefined && (turn.state === 'asked' || turn.state === 'waits'))
    return { type: 'turn.told', task: task.id, release: index, nth: turn.nth, turn: turnFor(b) }
  if (task.gates[0]?.kind === 'question') return said({ verb: 'answer', text: 'x' }, alice, at)
  if (task.gates[0]?.kind === 'budget') return said({ verb: 'continue', usd: 1 }, alice, at)
  if (task.gates.length > 0) return said({ verb: 'approve', sha: undefined }, bob, at)
  if (task.review.pending.length > 0) return { type: 'quiet.over' }
  if (task.pullRequest?.draft === false && !task.merged) return { type: 'merged', by: bob, sha: `merge${a}` }
  return task.merged ? said({ verb: 'deploy', environment: 'production', ref: undefined }, alice, at) : undefined
}

function turnFor(n: number): TurnTold {
  const why = { kind: 'release', sha: 'x', by: bob, since: 1 } as const
  return n % 3 === 0 ? { state: 'waits', position: 1 + (n % 4), why, about: undefined } : { state: 'given' }
}

/** What must hold after every single event, whatever led there. */
function holds(before: Task | undefined, event: TaskEvent, task: Task): void {
  if (event.type === 'step.started') {
    const step = task.steps.find((one) => one.id === event.step)
    for (const need of step?.needs ?? []) expect(task.steps.find((one) => one.id === need)?.status).toBe('done')
    if (step?.kind === 'build') {
      expect(task.planHash).toBeDefined()
      expect(approvalFor(task, 'plan', task.planHash ?? '')).toBeDefined()
      expect(isPlanned(task)).toBe(true)
    }
    if (step?.kind === 'deploy') {
      const release = task.releases.find((one) => one.index === step.release)
      const approval = release?.plan && approvalFor(task, 'deploy', release.plan.hash, release.plan.sha)
      expect(approval).toBeDefined()
      expect(approval?.by).not.toEqual(release?.requester)
      expect(task.merged).toBeDefined()
      expect(release?.turn?.state).toBe('given')
    }
  }
  if (event.type === 'step.started' || event.type === 'gate.approved')
    expect(before?.status === 'working' || before?.status === 'waiting').toBe(true)
  expect(task.version).toBe((before?.version ?? 0) + 1)
  expect(new Set(task.steps.map((step) => step.id)).size).toBe(task.steps.length)
  expect(task.steps.filter((step) => step.kind === 'deploy').length).toBeLessThanOrEqual(task.releases.length)
  // The sweeper looks among the unfinished ones alone.
  if (task.finishedAt !== undefined) expect(workOf(task)).toEqual([])
  if (task.status === 'cancelled')
    expect(task.steps.some((step) => step.status === 'running' || step.status === 'pending')).toBe(false)
}

it('keeps its invariants under any sequence of events, and replays to the same state', () => {
  const reached = new Set<string>()
  fc.assert(
    fc.property(fc.array(move, { minLength: 20, maxLength: 150, size: 'max' }), fc.boolean(), (moves, isTogether) => {
      let outcome = opened({ settings: { ...settings, planning: isTogether ? 'together' : 'apart' } })
      const history: { event: TaskEvent; at: number }[] = outcome.events.map((event) => ({ event, at: 1000 }))
      const sent = new Map<string, EffectIntent>()
      let open = [...outcome.effects]
      let { task } = outcome
      moves.forEach((one, index) => {
        const at = 10_000 + index * 60_000
        const command = commandFor(one, task, open, at)
        if (!command) return
        if (command.type === 'effect.done' || command.type === 'effect.failed')
          open = open.filter((effect) => effect.key !== command.key)
        outcome = decide(task, command, at)
        let state: Task | undefined = task
        for (const event of outcome.events) {
          const before: Task | undefined = state
          state = evolve(state, event, at)
          holds(before, event, state)
          history.push({ event, at })
        }
        task = outcome.task
        expect(state).toEqual(task)
        for (const effect of outcome.effects) {
          const once =
            effect.body.kind === 'git.push' ||
            effect.body.kind === 'pr.open' ||
            effect.body.kind === 'deployment.create'
          // The store drops a key it knows, so the same key must always mean the same thing.
          const known = sent.get(effect.key)
          if (once && known) expect(effect).toEqual(known)
          sent.set(effect.key, effect)
          if (known) continue
          if (once || effect.body.kind === 'pr.ready') open.push(effect)
        }
      })
      for (const step of task.steps) if (step.attempt > 0) reached.add(step.kind)
      let again: Task | undefined
      for (const { event, at } of history) again = evolve(again, event, at)
      expect(again).toEqual(task)
      expect(renderMarkdown(statusCard(task, task.openedAt + 1000), { redact: (text) => text }).length).toBeLessThan(
        65_536,
      )
    }),
    { numRuns: Number(process.env['FC_RUNS'] ?? 500) },
  )
  // The sequences get far enough to mean something.
  expect([...reached].toSorted()).toEqual([
    'answer',
    'baseline',
    'build',
    'critique',
    'deploy',
    'design',
    'plan',
    'prove',
    'release_plan',
    'rework',
    'spec',
    'triage',
    'watch',
  ])
})
