import { canonicalJson } from '../core/hash.ts'
import type { Block, ToolResult } from '../llm/types.ts'

/** Whether an agent goes round in circles. Pure: it is told what was called and what came of it, turn by turn. */

/** One turn, as far as it matters here: what was called, and what came of it. */
export type Deed = string

/** So often the same in a row; so often two in turn; so many turns in which nothing new is called. */
const REPEATS = 3
const PING_PONG = 3
const NOTHING_NEW = 10

export function deedOf(blocks: readonly Block[], results: readonly ToolResult[]): Deed {
  const calls = blocks.flatMap((block) =>
    block.type === 'tool_use' ? [`${block.name} ${canonicalJson(block.input)}`] : [],
  )
  return canonicalJson([calls, results.map(({ text }) => text)])
}

/** What the last turns have in common, in a word for whoever is told of it; undefined: they get somewhere. */
export function circleIn(deeds: readonly Deed[]): string | undefined {
  const last = deeds.at(-1)
  if (deeds.length >= REPEATS && deeds.slice(-REPEATS).every((deed) => deed === last))
    return `the same was done ${REPEATS} times in a row, with the same result`
  const pair = deeds.slice(-2 * PING_PONG)
  if (pair.length === 2 * PING_PONG && pair[0] !== pair[1] && pair.every((deed, nth) => deed === pair[nth % 2]))
    return `two things were done in turn ${PING_PONG} times, with the same results`
  return bringsNothing(deeds) ? `for ${NOTHING_NEW} turns nothing came of it that had not come of it before` : undefined
}

function bringsNothing(deeds: readonly Deed[]): boolean {
  if (deeds.length <= NOTHING_NEW) return false
  const before = new Set(deeds.slice(0, -NOTHING_NEW))
  return deeds.slice(-NOTHING_NEW).every((deed) => before.has(deed))
}
