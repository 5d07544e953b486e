import type { Journal } from '../agent/types.ts'
import type { ModelName, ModelReply, ToolResult } from '../llm/types.ts'
import { Settled, type Store, type TurnRow } from '../store/types.ts'
import type { Claim } from '../leases/types.ts'
import { crashPoint } from '../telemetry/crash.ts'
import type { Workflow } from './types.ts'

export interface JournalDeps {
  readonly workflow: Workflow
  readonly store: Pick<Store, 'turns'>
}

/** The journal of one attempt: a reply is saved, and paid for, in the same transaction; only by whoever has the step. */
export function journalOf(deps: JournalDeps, taskId: string, step: string, attempt: number, claim: Claim): Journal {
  const { fence } = claim
  return {
    async load() {
      const rows = await deps.store.turns.list(taskId, step, attempt)
      return rows.map((row) => ({ reply: replyOf(row.response), by: speakerOf(row), results: resultsOf(row.results) }))
    },
    async saveReply(ordinal, { reply, by, tier, reason, ms, usd: costUsd }) {
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
