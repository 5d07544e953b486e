import { UserError } from '../core/errors.ts'
import type { Release } from '../core/task/types.ts'
import type { RoleModule, StepContext } from './types.ts'

/** SRE: plans, deploys and watches releases. No model decides here; the engine of `releases` does the work. */
export const sre = { role: 'sre', handlers: { release_plan: plan, deploy, watch, rollback } } satisfies RoleModule

function releaseOf({ task, step }: StepContext): Release {
  const release = task.releases.find(({ index }) => index === step.release)
  if (!release) throw new UserError('no_release', 'There is no release to work on.')
  return release
}

async function plan(context: StepContext) {
  const planned = await context.releases.plan(context.task, releaseOf(context))
  return 'plan' in planned
    ? ({ kind: 'release_plan', ...planned } as const)
    : ({ kind: 'bisected', ...planned } as const)
}

async function deploy(context: StepContext) {
  return context.during({ kind: 'deploy' }, () =>
    context.releases.deploy(context.task, releaseOf(context), context.signal, context.mayAct),
  )
}

/** One look of it: the step is parked until the next. */
async function watch(context: StepContext) {
  return context.releases.watch(context.task, releaseOf(context), context.signal, context.mayAct)
}

async function rollback(context: StepContext) {
  const rolledBack = await context.during({ kind: 'deploy' }, () =>
    context.releases.takeBack(context.task, releaseOf(context), context.signal, context.mayAct),
  )
  return { kind: 'rolled_back', rolledBack } as const
}
