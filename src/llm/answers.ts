import { hashOf } from '../core/hash.ts'
import { Reply } from './story.ts'
import type { AnswerStore, ModelReply, ModelRequest } from './types.ts'

/** So long an answer is given again. */
const KEPT_MS = 7 * 24 * 3_600_000
const NOTHING = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 }

/** Asked for a question that may be repeated: what was answered before to exactly the same, by the same model, costs nothing. */
export async function answeredOnce(
  store: AnswerStore,
  { provider, model, system, messages, tools, maxTokens }: ModelRequest,
  ask: () => Promise<ModelReply>,
): Promise<{ readonly reply: ModelReply; readonly isKnown: boolean }> {
  const key = hashOf([provider, model, system, messages, tools, maxTokens])
  const before = Reply.safeParse(await store.find(key))
  if (before.success) return { reply: { ...before.data, usage: NOTHING }, isKnown: true }
  const reply = await ask()
  // What was cut or refused is asked again.
  if (reply.stop === 'end' || reply.stop === 'tools') await store.keep(key, reply, KEPT_MS)
  return { reply, isKnown: false }
}

/** Kept as long as the process. */
export function answersInMemory(): AnswerStore {
  const kept = new Map<string, ModelReply>()
  return {
    find: async (key) => kept.get(key),
    keep: async (key, reply) => void kept.set(key, reply),
  }
}
