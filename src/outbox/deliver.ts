import { type SendContext, SendError, type Sender } from '../channels/types.ts'
import { traitsOf } from '../core/effecttable.ts'
import type { EffectResult } from '../core/effects.ts'
import { messageOf } from '../core/errors.ts'
import { markerOf } from '../core/hash.ts'
import { backoffMs } from '../core/retry.ts'
import { isTroubled } from '../core/deciding/surfaces.ts'
import type { Task } from '../core/task/types.ts'
import { type Claim, Lost } from '../leases/types.ts'
import { Fenced, type LaneClaim, Settled, type Store, type StoredEffect } from '../store/types.ts'
import { crashPoint } from '../telemetry/crash.ts'
import type { Workflow } from '../workflow/types.ts'
import { SETTLE_MS } from './lanes.ts'

/** How long an effect is tried again whose provider does not answer; answered refusals end it at once. */
const GIVE_UP_MS = 24 * 3_600_000

export interface DeliverDeps {
  readonly store: Pick<Store, 'effects'>
  readonly workflow: Workflow
  /** How long the provider wants nothing of an effect's account: it may have said so after this effect was begun. */
  readonly pausedMs: (effect: StoredEffect) => number
  /** The provider asks to be left alone for so long: told at once, before anything is written down. */
  readonly onAskedToWait: (effect: StoredEffect, ms: number) => void
  readonly sender: Sender
  readonly markerKey: string
  readonly now: () => number
  readonly random: () => number
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields: Readonly<Record<string, unknown>>) => void
}

/** How sending ended, for the lane and its account. */
export type Delivered =
  | { readonly kind: 'settled' }
  /** Settled, and the lane is left with it. */
  | { readonly kind: 'left' }
  | { readonly kind: 'again'; readonly error: SendError }
  | { readonly kind: 'failed' }

/** Sends one effect, or finds that it was already sent, and settles what came of it. @param lane where it is the last one known of its lane. @throws Fenced, Lost when somebody else has the lane */
export async function deliver(
  deps: DeliverDeps,
  effect: StoredEffect,
  claim: Claim,
  lane: LaneClaim | undefined,
): Promise<Delivered> {
  const { effects } = deps.store
  const task = effect.taskId && needsTask(effect) ? await deps.workflow.get(effect.taskId) : undefined
  if (task && isPointless(effect, task)) {
    await effects.finish(effect.id, effect.revision, {}, claim.fence)
    return { kind: 'settled' }
  }
  const context: SendContext = {
    marker: markerOf(effect.id, deps.markerKey),
    task,
    previous: effect.result,
    now: deps.now(),
    since: effect.createdAt.getTime(),
    mayLeave: () => {
      if (!claim.isMine()) throw new Lost('the lane may belong to somebody else by now')
      const wait = deps.pausedMs(effect)
      if (wait > 0) throw new SendError('retry', 'the provider asked to wait', { retryAfterMs: wait })
    },
  }
  try {
    const result = await sendOrFind(deps, effect, context, claim)
    await reached(deps, effect, task)
    const left = await settle(deps, effect, result, claim, lane)
    crashPoint('effect-done')
    return { kind: left ? 'left' : 'settled' }
  } catch (error) {
    if (error instanceof Fenced || error instanceof Lost) throw error
    if (error instanceof Settled) return { kind: 'settled' }
    const known = error instanceof SendError ? error : new SendError('unknown', messageOf(error), { cause: error })
    if (known.retryAfterMs !== undefined) deps.onAskedToWait(effect, known.retryAfterMs)
    return failed(deps, effect, known, claim)
  }
}

async function sendOrFind(
  { store, sender }: DeliverDeps,
  effect: StoredEffect,
  context: SendContext,
  { fence }: Claim,
): Promise<EffectResult> {
  // Intent is stored before the request leaves; whoever finds `sent` later must look before sending again.
  crashPoint('effect-intent')
  const mayBeThere = effect.attempts > 0 && effect.status !== 'intent'
  const found = mayBeThere ? await sender.lookUp(effect.body, context) : undefined
  if (found && !traitsOf(effect.body.kind).rewrite) return found
  if (!found) await store.effects.markSent(effect.id, fence)
  context.mayLeave()
  const result = await sender.send(effect.body, { ...context, previous: found ?? context.previous })
  crashPoint('response-received')
  if (effect.body.kind === 'git.push') crashPoint('push-done')
  if (effect.body.kind === 'pr.open') crashPoint('pr-created')
  return result
}

/** What is made from the newest state, or depends on whether the work goes on. */
function needsTask({ body }: StoredEffect): boolean {
  const { upsert, news } = traitsOf(body.kind)
  return upsert || news
}

/** What the work would have gone on from is not sent any more once the work has been ended. */
function isPointless({ body, status }: StoredEffect, task: Task): boolean {
  const over = task.status === 'cancelled' || task.status === 'handed_off'
  const isKept = body.kind === 'git.push' && body.wip
  return over && traitsOf(body.kind).stopsWhenOver && !isKept && status === 'intent'
}

/** @returns whether the lane was left */
async function settle(
  deps: DeliverDeps,
  effect: StoredEffect,
  result: EffectResult,
  { fence }: Claim,
  lane: LaneClaim | undefined,
): Promise<boolean> {
  const { id, revision, key, body, taskId } = effect
  if (taskId && traitsOf(body.kind).news) {
    await deps.workflow.apply(
      taskId,
      { type: 'effect.done', key, kind: body.kind, result, body },
      { effectDone: { id, revision, result }, fence },
    )
    return false
  }
  return deps.store.effects.finish(id, revision, result, fence, lane)
}

/** A card arrived where nothing could be written for a while. Said before the card is settled, so that it is said again after a crash. */
async function reached({ workflow }: DeliverDeps, { body }: StoredEffect, task: Task | undefined): Promise<void> {
  if (body.kind !== 'card.upsert' || !task || !isTroubled(task, body.surface)) return
  await workflow.apply(task.id, { type: 'surface.reached', surface: body.surface }, {})
}

async function failed(deps: DeliverDeps, effect: StoredEffect, error: SendError, { fence }: Claim): Promise<Delivered> {
  const attempts = effect.attempts + 1
  const final = error.kind === 'fatal' || deps.now() - effect.since.getTime() > GIVE_UP_MS
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
    // What may be there from an earlier try may still be there, whatever became of this one.
    const unsure = error.kind === 'unknown' || effect.status === 'unknown' || effect.status === 'sent'
    const status = unsure ? 'unknown' : 'intent'
    await deps.store.effects.postpone(effect.id, status, new Date(deps.now() + wait), error.message, fence)
    return { kind: 'again', error }
  }
  const { key, body, id, taskId } = effect
  if (!taskId) await deps.store.effects.fail(id, error.message, fence)
  else
    await deps.workflow.apply(
      taskId,
      { type: 'effect.failed', key, kind: body.kind, error: error.message, body, trouble: error.trouble },
      { effectFailed: { id, error: error.message }, fence },
    )
  return { kind: 'failed' }
}
