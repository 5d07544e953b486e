import type { EffectResult } from '../core/effects.ts'
import { messageOf } from '../core/errors.ts'
import { markerOf } from '../core/hash.ts'
import type { Task } from '../core/task/types.ts'
import { backoffMs } from '../core/retry.ts'
import { type SendContext, SendError, type Sender } from '../channels/types.ts'
import type { Store, StoredEffect } from '../store/types.ts'
import type { Workflow } from '../workflow/types.ts'
import { laneOf, pick, SETTLE_MS } from './lanes.ts'

const BATCH = 500
const POLL_MS = 5000
/** How long an effect is tried again whose provider does not answer; answered refusals end it at once. */
const GIVE_UP_MS = 24 * 3_600_000

export interface OutboxDeps {
  readonly store: Pick<Store, 'effects' | 'tasks'>
  readonly workflow: Workflow
  readonly sender: Sender
  readonly markerKey: string
  readonly now: () => number
  readonly random: () => number
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields: Readonly<Record<string, unknown>>) => void
}

/** Durable out: every effect is seen outside exactly once, in order within its lane. */
export interface Outbox {
  /** Looks for work now rather than at the next poll. */
  kick(): void
  start(): void
  /** Finishes what is being sent, and sends no more. */
  stop(): Promise<void>
}

export function createOutbox(deps: OutboxDeps): Outbox {
  const busy = new Set<string>()
  const sending = new Set<Promise<void>>()
  let timer: NodeJS.Timeout | undefined
  let state: 'idle' | 'looking' | 'again' | 'stopped' = 'stopped'

  function wakeIn(ms: number): void {
    clearTimeout(timer)
    if (state !== 'stopped') timer = setTimeout(kick, Math.max(10, ms))
  }

  function kick(): void {
    if (state === 'looking') state = 'again'
    if (state === 'idle') void look()
  }

  async function look(): Promise<void> {
    state = 'looking'
    let next: number | undefined
    try {
      const picked = pick(await deps.store.effects.open(BATCH), busy, deps.now())
      next = picked.next
      for (const effect of picked.ready) dispatch(effect)
    } catch (error) {
      deps.log('error', 'the outbox cannot be read', { error: messageOf(error) })
    }
    if (current() === 'stopped') return
    const again = current() === 'again'
    state = 'idle'
    if (again) return kick()
    wakeIn(Math.min(POLL_MS, next === undefined ? POLL_MS : next - deps.now()))
  }

  // Read through a function: the state may have changed while something was awaited.
  const current = (): typeof state => state

  function dispatch(effect: StoredEffect): void {
    const lane = laneOf(effect)
    busy.add(lane)
    const sent = deliver(deps, effect)
      .catch((error: unknown) =>
        deps.log('error', 'an effect could not be settled', { effect: effect.id, error: messageOf(error) }),
      )
      .finally(() => {
        busy.delete(lane)
        sending.delete(sent)
        kick()
      })
    sending.add(sent)
  }

  return {
    kick,
    start() {
      state = 'idle'
      kick()
    },
    async stop() {
      state = 'stopped'
      clearTimeout(timer)
      await Promise.allSettled(sending)
    },
  }
}

/** Sends one effect, or finds that it was already sent, and settles what came of it. */
async function deliver(deps: OutboxDeps, effect: StoredEffect): Promise<void> {
  const task = effect.taskId ? await deps.workflow.get(effect.taskId) : undefined
  if (task && isPointless(effect, task)) return deps.store.effects.finish(effect.id, effect.revision, {})
  const context: SendContext = {
    marker: markerOf(effect.id, deps.markerKey),
    task,
    previous: effect.result,
    now: deps.now(),
  }
  try {
    // Intent is stored before the request leaves; whoever finds `sent` later must look before sending again.
    const mayBeThere = effect.attempts > 0 && effect.status !== 'intent'
    const found = mayBeThere ? await deps.sender.lookUp(effect.body, context) : undefined
    if (!found) await deps.store.effects.markSent(effect.id)
    const result =
      found && !needsRewrite(effect)
        ? found
        : await deps.sender.send(effect.body, { ...context, previous: found ?? context.previous })
    await settle(deps, effect, result)
  } catch (error) {
    await failed(
      deps,
      effect,
      error instanceof SendError ? error : new SendError('unknown', messageOf(error), { cause: error }),
    )
  }
}

/** What the work would have gone on from is not sent any more once the work has been ended. */
function isPointless({ body, status }: StoredEffect, task: Task): boolean {
  const over = task.status === 'cancelled' || task.status === 'handed_off'
  const works =
    (body.kind === 'git.push' && !body.wip) ||
    body.kind === 'pr.open' ||
    body.kind === 'pr.ready' ||
    body.kind === 'deployment.create'
  return over && works && status === 'intent'
}

/** Found again after a crash, a thing that is edited in place may show an old state. */
function needsRewrite(effect: StoredEffect): boolean {
  return effect.body.kind === 'status.upsert'
}

async function settle(deps: OutboxDeps, effect: StoredEffect, result: EffectResult): Promise<void> {
  const { id, revision, key, body, taskId } = effect
  if (taskId && bringsNews(body.kind)) {
    await deps.workflow.apply(
      taskId,
      { type: 'effect.done', key, kind: body.kind, result, body },
      { effectDone: { id, revision, result } },
    )
    return
  }
  await deps.store.effects.finish(id, revision, result)
}

/** Effects from whose result the workflow goes on. */
function bringsNews(kind: StoredEffect['body']['kind']): boolean {
  return kind === 'git.push' || kind === 'pr.open' || kind === 'pr.ready' || kind === 'deployment.create'
}

async function failed(deps: OutboxDeps, effect: StoredEffect, error: SendError): Promise<void> {
  const attempts = effect.attempts + 1
  const final = error.kind === 'fatal' || deps.now() - effect.createdAt.getTime() > GIVE_UP_MS
  deps.log(final ? 'error' : 'warn', 'an effect was not sent', {
    effect: effect.id,
    kind: effect.body.kind,
    attempts,
    outcome: final ? 'failed' : error.kind,
    error: error.message,
    cause: messageOf(error.cause ?? ''),
  })
  if (!final) {
    const wait = error.retryAfterMs ?? (error.kind === 'unknown' ? SETTLE_MS : 0) + backoffMs(attempts, deps.random())
    await deps.store.effects.postpone(
      effect.id,
      error.kind === 'unknown' ? 'unknown' : 'intent',
      new Date(deps.now() + wait),
      error.message,
    )
    return
  }
  if (!effect.taskId) return deps.store.effects.fail(effect.id, error.message)
  const { key, body, id } = effect
  await deps.workflow.apply(
    effect.taskId,
    { type: 'effect.failed', key, kind: body.kind, error: error.message, body },
    { effectFailed: { id, error: error.message } },
  )
}
