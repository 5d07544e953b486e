import type { ModelName, Usage } from './types.ts'

/** How many characters a token of each model has, by what its vendor counted: each has a way of its own to cut text up. */

/** Prompts that are shorter say little. */
const LEAST_TOKENS = 1000
/** What a vendor says beyond these is not of this conversation. */
const [FEWEST, MOST] = [1.2, 8]
/** The next one may have more code in it, or another language. */
const CAUTION = 0.85
/** How much the newest count weighs. */
const WEIGHT = 0.3

export class TokenCounts {
  readonly #known = new Map<string, number>()

  /** Characters a token, cautiously; undefined where the model was not asked yet. */
  of({ provider, model }: ModelName): number | undefined {
    const known = this.#known.get(`${provider}:${model}`)
    return known === undefined ? undefined : known * CAUTION
  }

  /** @param characters of the whole prompt @param usage what the vendor counted of it */
  saw({ provider, model }: ModelName, characters: number, usage: Usage): void {
    const tokens = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens
    const each = characters / tokens
    if (tokens < LEAST_TOKENS || each < FEWEST || each > MOST) return
    const key = `${provider}:${model}`
    const before = this.#known.get(key) ?? each
    // Fewer characters a token count at once: what does not fit is refused.
    this.#known.set(key, each < before ? each : before + WEIGHT * (each - before))
  }
}
