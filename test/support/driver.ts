import type { BaselineFinding } from '../../src/core/baseline.ts'
import type { StepResult, TaskCommand } from '../../src/core/deciding/commands.ts'
import { decide, type Outcome } from '../../src/core/deciding/decide.ts'
import { decideEnvironment } from '../../src/core/environments/decide.ts'
import type { EnvironmentState } from '../../src/core/environments/types.ts'
import { readySteps } from '../../src/core/task/schedule.ts'
import type { Task } from '../../src/core/task/types.ts'
import { alice, baseline, design, opened, patch, said, spec } from './tasks.ts'

/** Drives a task as the engine would. */
export class Driver {
  task: Task
  last: Outcome
  at = 2000
  environment: EnvironmentState | undefined
  /** @param tests what they said before the work began */
  constructor(start: Outcome = opened(), tests: BaselineFinding | 'not run' = 'green') {
    this.last = start
    this.task = start.task
    if (tests !== 'not run' && this.ready().includes('baseline'))
      this.step('baseline', { kind: 'baseline', baseline: baseline(tests) })
    if (tests === 'green') this.last = start
  }
  do(command: TaskCommand): Outcome {
    this.at += 1000
    this.last = this.told(decide(this.task, command, this.at))
    this.task = this.last.task
    return this.last
  }
  /** What the environment says to what was decided, in the same breath. */
  told(outcome: Outcome): Outcome {
    const wants = outcome.effects.map((one) => one.body).find((one) => one.kind === 'environment.turn')
    if (wants?.kind !== 'environment.turn') return outcome
    const where = { repository: wants.place.repository, name: wants.environment }
    const { wanted, freeze } = wants
    const { state, effects } = decideEnvironment(this.environment, where, { type: 'turn', wanted, freeze }, this.at)
    this.environment = state
    const told = effects.map((one) => one.body).find((one) => one.kind === 'task.turn' && one.task === outcome.task.id)
    if (told?.kind !== 'task.turn') return outcome
    const { task, release, nth, turn } = told
    const next = decide(outcome.task, { type: 'turn.told', task, release, nth, turn }, this.at)
    const { events, effects: before, decision } = outcome
    return {
      ...next,
      decision,
      reply: outcome.reply,
      events: [...events, ...next.events],
      effects: [...before, ...next.effects],
    }
  }
  step(id: string, result: StepResult): Outcome {
    this.do({ type: 'step.start', step: id })
    const attempt = this.task.steps.find((step) => step.id === id)?.attempt ?? 0
    return this.do({ type: 'step.result', step: id, attempt, result })
  }
  plan(risk: 'low' | 'medium' = 'low') {
    this.step('spec', { kind: 'spec', spec: spec({ risk }) })
    return this.step('design', { kind: 'design', design: design() })
  }
  pushed(sha: string, step = 'build') {
    const body = this.last.effects.map((one) => one.body).find((one) => one.kind === 'git.push')
    if (body?.kind !== 'git.push') throw new Error('nothing was to be pushed')
    this.do({ type: 'effect.done', key: 'push', kind: 'git.push', result: { sha }, body: { ...body, step } })
    const open = this.last.effects.map((one) => one.body).find((one) => one.kind === 'pr.open')
    if (open)
      this.do({
        type: 'effect.done',
        key: 'pr',
        kind: 'pr.open',
        result: { id: 1, nodeId: 'PR_1', number: 6, url: 'http://x/pull/6' },
        body: open,
      })
  }
  /** GitHub has a record of a release. */
  recorded(release: number) {
    return this.do({
      type: 'effect.done',
      key: 'd',
      kind: 'deployment.create',
      result: { id: 70 + release },
      body: {
        kind: 'deployment.create',
        place: { repository: this.task.origin.repository, number: 5 },
        release,
        sha: 'merge1',
        environment: 'production',
        planHash: 'h',
      },
    })
  }
  built(sha = 'head1') {
    this.plan()
    this.step('build', { kind: 'patch', patch: patch() })
    this.pushed(sha)
  }
  say(verb: Parameters<typeof said>[0], by = alice) {
    return this.do(said(verb, by, this.at + 1000))
  }
  kinds(): string[] {
    return this.last.effects.map((one) => one.body.kind)
  }
  ready(): string[] {
    return readySteps(this.task).map((step) => step.id)
  }
}
