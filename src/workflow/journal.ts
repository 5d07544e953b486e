import type { AgentJob, Journal, JournalTurn } from '../agent/types.ts'
import type { Step } from '../core/task/types.ts'
import type { Message, ModelName, ModelReply, ToolResult } from '../llm/types.ts'
import { Settled, type Store, type TurnRow } from '../store/types.ts'
import type { Claim } from '../leases/types.ts'
import { crashPoint } from '../telemetry/crash.ts'
import type { Workflow } from './types.ts'

export interface JournalDeps {
  readonly workflow: Workflow
  readonly store: Pick<Store, 'turns'>
}

/** The journal of one attempt: a reply is saved, and paid for, in the same transaction; only by whoever has the step. */
export function journalOf(
  deps: JournalDeps,
  taskId: string,
  { step, attempt, prompt }: { readonly step: string; readonly attempt: number; readonly prompt: string },
  claim: Claim,
): Journal {
  const { fence } = claim
  return {
    async load() {
      const rows = await deps.store.turns.list(taskId, step, attempt)
      return rows.filter(isOwn).map(turnOf)
    },
    async saveReply(ordinal, { reply, by, tier, reason, ms, usd: costUsd }, opening) {
      const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens } = reply.usage
      const turn = {
        taskId,
        step,
        attempt,
        ordinal,
        model: reply.model,
        response: reply,
        results: { pending: true },
        inputTokens: inputTokens + cacheReadTokens + cacheWriteTokens,
        outputTokens,
        costUsd,
        provider: by.provider,
        tier,
        reason,
        ms: Math.round(ms),
        cacheReadTokens,
        cacheWriteTokens,
        prompt,
        opening: opening ?? null,
      }
      crashPoint('model-replied')
      try {
        await deps.workflow.apply(taskId, { type: 'turn', step, costUsd }, { turn, fence })
      } catch (error) {
        // An earlier try was committed, and its answer lost.
        if (!(error instanceof Settled)) throw error
      }
      await claim.progressed()
      crashPoint('turn-saved')
    },
    async saveResults(ordinal, results) {
      await deps.store.turns.saveResults({ taskId, step, attempt, ordinal }, results, fence)
      await claim.progressed()
    },
  }
}

/** Before the step's own turns its conversation may have been shortened for it: turns 0, -1, -2 … */
function isOwn({ ordinal }: TurnRow): boolean {
  return ordinal > 0
}

/** How messages of the conversation were shortened for an attempt, by their places in it (from 0). */
export async function gistTurns(
  store: Pick<Store, 'turns'>,
  taskId: string,
  step: string,
  attempt: number,
): Promise<ReadonlyMap<number, ModelReply>> {
  const rows = (await store.turns.list(taskId, step, attempt)).filter((one) => !isOwn(one))
  return new Map(rows.map(({ ordinal, response }) => [Math.abs(ordinal), replyOf(response)]))
}

function turnOf(row: TurnRow): JournalTurn {
  return {
    ...(row.opening === null ? {} : { opening: row.opening }),
    reply: replyOf(row.response),
    by: speakerOf(row),
    results: resultsOf(row.results),
  }
}

/**
 * What was said in a step, for one that goes on with it.
 * @returns undefined where not all of it is known: rows of before 0.5, and what was ended by a limit
 */
export async function conversationOf(
  store: Pick<Store, 'turns'>,
  taskId: string,
  { id, attempt }: Pick<Step, 'id' | 'attempt'>,
): Promise<AgentJob<unknown>['before']> {
  const turns = (await store.turns.list(taskId, id, attempt)).filter(isOwn).map(turnOf)
  const opening = turns[0]?.opening
  if (opening === undefined || turns.some(({ results }) => results === undefined)) return undefined
  const said = turns.flatMap(({ opening: heard, reply, by, results = [] }, nth): Message[] => [
    ...(nth > 0 && heard !== undefined ? [{ role: 'user' as const, text: heard }] : []),
    { role: 'assistant', blocks: reply.blocks, by: by.provider },
    ...(results.length > 0 ? [{ role: 'tools' as const, results, note: undefined }] : []),
  ])
  // Where one answered without a call, it was told to go on: that is not kept, and such a conversation is not gone on with.
  const isWhole = turns.every(({ results = [] }) => results.length > 0)
  return isWhole ? { messages: [{ role: 'user', text: opening }, ...said], last: turns.at(-1)?.by } : undefined
}

/** Whose model it was; rows of before there were several have none: Anthropic's. */
function speakerOf({ provider, model }: TurnRow): ModelName {
  return { provider: (provider ?? 'anthropic') as ModelName['provider'], model }
}

/** The boundary of this seam: the journal's JSON was written by the two functions above. */
function replyOf(stored: unknown): ModelReply {
  return stored as ModelReply
}

function resultsOf(stored: unknown): readonly ToolResult[] | undefined {
  return Array.isArray(stored) ? (stored as ToolResult[]) : undefined
}
