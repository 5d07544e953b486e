import { z } from 'zod'
import type { Usage } from '../types.ts'

/** A count that a service may leave out. */
export const count = z
  .number()
  .min(0)
  .nullish()
  .transform((value) => value ?? 0)

/** What of the prompt came from a cache, and what went into one: named alike by both interfaces. */
export const PromptDetails = z.object({ cached_tokens: count, cache_write_tokens: count }).nullish()

/** @param prompt all tokens of the prompt: those from and for a cache are among them */
export function usageFrom(prompt: number, outputTokens: number, details: z.infer<typeof PromptDetails>): Usage {
  const { cached_tokens: cacheReadTokens = 0, cache_write_tokens: cacheWriteTokens = 0 } = details ?? {}
  return {
    inputTokens: Math.max(0, prompt - cacheReadTokens - cacheWriteTokens),
    outputTokens,
    cacheReadTokens,
    cacheWriteTokens,
  }
}
