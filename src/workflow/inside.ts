import { type SendContext, SendError, type Sender } from '../channels/types.ts'
import { printedBy } from '../core/mending.ts'
import { isInside } from '../core/effecttable.ts'
import type { EffectResult, InsideBody } from '../core/effects.ts'
import type { Origin, TaskEvent } from '../core/task/types.ts'
import { Conflict, type Store } from '../store/types.ts'
import type { Environments, Workflow } from './types.ts'

export interface InsideDeps {
  readonly workflow: () => Workflow
  readonly environments: Pick<Environments, 'apply'>
  readonly store: Pick<Store, 'conversations' | 'tasks'>
}

/** Effects on a task or an environment, beside those that are seen outside: each may be carried out twice, and changes nothing then. */
export function withInside(outside: Sender, deps: InsideDeps): Sender {
  return {
    costOf: (body, previous) => (isInside(body) ? {} : outside.costOf(body, previous)),
    lookUp: async (body, context) => (isInside(body) ? undefined : outside.lookUp(body, context)),
    send: (body, context) => (isInside(body) ? carryOut(deps, body, context) : outside.send(body, context)),
  }
}

async function carryOut(deps: InsideDeps, body: InsideBody, { mayLeave }: SendContext): Promise<EffectResult> {
  mayLeave()
  switch (body.kind) {
    case 'task.open':
      await open(deps, body)
      return {}
    case 'task.end':
      await apply(deps, body.task, { type: 'parent.ended', by: body.by })
      return {}
    case 'task.report': {
      const { parent, child, report } = body
      const about = { step: parent.step, child }
      await apply(
        deps,
        parent.task,
        'url' in report
          ? { type: 'child.seen', ...about, url: report.url }
          : { type: 'child.ended', ...about, end: report.end },
      )
      return {}
    }
    case 'environment.turn': {
      const { environment: name, wanted, freeze, place } = body
      await deps.environments.apply({ repository: place.repository, name }, { type: 'turn', wanted, freeze })
      return {}
    }
    case 'task.turn': {
      const { task, release, nth, turn } = body
      await apply(deps, task, { type: 'turn.told', task, release, nth, turn })
      return {}
    }
  }
}

/** Whoever is told may be in the archive by now: then nobody waits. */
async function apply(
  { workflow, store }: Pick<InsideDeps, 'workflow' | 'store'>,
  task: string,
  command: Parameters<Workflow['apply']>[1],
): Promise<void> {
  if (await store.tasks.get(task)) await workflow().apply(task, command)
}

async function open(
  { workflow, store }: Pick<InsideDeps, 'workflow' | 'store'>,
  { child, origin, settings, forcePlanGate, parent, mends }: Extract<InsideBody, { kind: 'task.open' }>,
): Promise<void> {
  if (await store.tasks.get(child.id)) return
  const conversationId = await store.conversations.at(`task:${child.id}`)
  const { repository, author, requester, url } = origin
  const own: Origin = {
    repository,
    number: 0,
    isPullRequest: false,
    title: child.title,
    body: child.body,
    author,
    requester,
    trigger: 'task',
    nth: 1,
    request: child.request ?? '',
    url,
    opensIssue: true,
    ...(parent ? { parent } : {}),
    ...(mends ? { mends, thread: printedBy(mends) } : {}),
  }
  const opened: TaskEvent = {
    type: 'task.opened',
    id: child.id,
    conversationId,
    workflow: child.workflow,
    origin: own,
    settings: { ...settings, budgetUsd: child.budgetUsd },
    forcePlanGate,
  }
  const decision = {
    outcome: 'accepted',
    reason: 'started',
    detail: mends ? 'a release was taken back' : 'another task asked for it',
  } as const
  try {
    await workflow().open([opened], decision, `muster:${parent?.task ?? mends?.task ?? ''}`)
  } catch (error) {
    // Opened by an earlier try whose answer was lost.
    if (!(error instanceof Conflict) || !(await store.tasks.get(child.id)))
      throw new SendError('unknown', 'the task could not be opened', { cause: error })
  }
}
