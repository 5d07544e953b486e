import { z } from 'zod'
import { dollars } from '../core/reply/document.ts'
import { columns } from './columns.ts'
import { get, type Remote } from './remote.ts'
import type { Print } from './types.ts'

const Usage = z.object({
  days: z.number(),
  turns: z.array(
    z.object({
      provider: z.string(),
      model: z.string(),
      tier: z.string().nullable(),
      prompt: z.string().nullable(),
      turns: z.number(),
      inputTokens: z.number(),
      cacheReadTokens: z.number(),
      outputTokens: z.number(),
      usd: z.number(),
      medianMs: z.number().nullable(),
    }),
  ),
  outcomes: z.array(
    z.object({
      repository: z.string(),
      provider: z.string(),
      model: z.string(),
      tasks: z.number(),
      merged: z.number(),
      failed: z.number(),
      usd: z.number(),
    }),
  ),
  repriced: z.array(z.object({ provider: z.string(), model: z.string(), usd: z.number() })),
})
type Usage = z.infer<typeof Usage>

/** Says what models were asked, what it cost, and what came of it. */
export async function showUsage(remote: Remote, days: string, asJson: boolean, print: Print): Promise<void> {
  const usage = await get(remote, `/usage?days=${encodeURIComponent(days)}`, Usage)
  if (asJson) print(JSON.stringify(usage, null, 2))
  else for (const line of usageLines(usage)) print(line)
}

const name = ({ provider, model }: { readonly provider: string; readonly model: string }) => `${provider}:${model}`
const tokens = (count: number) =>
  count < 10_000 ? `${count}` : count < 1e7 ? `${Math.round(count / 1000)}k` : `${(count / 1e6).toFixed(1)}M`
const share = (part: number, of: number) => (of === 0 ? '–' : `${Math.round((100 * part) / of)} %`)

/** The same as lines for people. */
export function usageLines({ days, turns, outcomes, repriced }: Usage): string[] {
  const span = days === 1 ? 'the last day' : `the last ${days} days`
  if (turns.length === 0) return [`No model was asked in ${span}.`]
  const spent = turns.reduce((all, { usd }) => all + usd, 0)
  const asked = turns.map((one) => [
    name(one),
    one.tier ?? '',
    one.prompt ?? '',
    `${one.turns}`,
    tokens(one.inputTokens),
    share(one.cacheReadTokens, one.inputTokens),
    tokens(one.outputTokens),
    one.medianMs === null ? '' : `${(one.medianMs / 1000).toFixed(1)} s`,
    dollars(one.usd),
  ])
  const came = outcomes.map((one) => [
    one.repository,
    name(one),
    `${one.tasks}`,
    `${one.merged}`,
    `${one.failed}`,
    one.merged === 0 ? '–' : dollars(one.usd / one.merged),
  ])
  const [dearest] = repriced
  const anew = repriced.map((one) => [name(one), dollars(one.usd), dearest ? share(one.usd, dearest.usd) : ''])
  return [
    `In ${span}: ${dollars(spent)}`,
    '',
    ...columns([['Model', 'Tier', 'For', 'Turns', 'Tokens in', 'Cached', 'Tokens out', 'Median', 'Cost'], ...asked], 3),
    ...(came.length === 0
      ? []
      : ['', ...columns([['Repository', 'Model', 'Changes', 'Merged', 'Failed', 'Cost per merge'], ...came], 2)]),
    '',
    'A re-pricing: the same tokens at the list price of one model alone (no forecast: another would have taken other turns)',
    ...columns(
      [
        ['Model', 'Cost', 'Of the dearest'],
        ...anew,
        ['as it was', dollars(spent), dearest ? share(spent, dearest.usd) : ''],
      ],
      1,
    ),
  ]
}
