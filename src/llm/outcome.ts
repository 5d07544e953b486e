import { dollars } from '../core/reply/document.ts'
import type { Tier } from '../core/settings.ts'
import type { OutcomeRow } from '../store/usage/types.ts'
import type { ModelsByTier } from './order.ts'
import type { ModelName, Stakes } from './types.ts'

/** A cheaper model first where what came of its work allows that, the dearer one after a failed proof. Pure. */

/** So much must have come of a model's work: in the repository itself, or else in all of them. */
const ENOUGH_HERE = 5
const ENOUGH_ANYWHERE = 12
/** So much more often than the dearer one the cheaper may fail; and where nothing is known of that one, so often at all. */
const MAY_FAIL_MORE = 0.1
const MAY_FAIL = 0.2
/** One of so many small tasks goes to the cheaper one while nothing is known of it: else nothing ever would be. */
const TRIED_OF = 5

interface Sum {
  readonly tasks: number
  readonly failureRate: number
  readonly usdPerTask: number
  readonly usdPerMerge: number
}

/** Which tier's models are asked, and why. Only what wants the dearest may be lowered: small work of low risk that has not failed. */
export function tierByOutcome(
  wanted: Tier,
  models: ModelsByTier,
  outcomes: readonly OutcomeRow[],
  stakes: Stakes | undefined,
): { readonly tier: Tier; readonly reason: string } {
  const [dear, cheap] = [models.complex[0], models.general[0]]
  if (wanted !== 'complex' || !stakes || !dear || !cheap || isSame(dear, cheap)) return { tier: wanted, reason: wanted }
  const { hasFailed, isSmall, risk = 'low', repository, leftUsd, chance } = stakes
  if (hasFailed) return { tier: 'complex', reason: 'complex, after a failed proof' }
  if (!isSmall || risk !== 'low') return { tier: 'complex', reason: 'complex, by size and risk' }
  const [known, before] = [sumOf(outcomes, cheap, repository), sumOf(outcomes, dear, repository)]
  if (!known)
    return chance % TRIED_OF === 0
      ? { tier: 'general', reason: `general, to learn what comes of ${cheap.model}: one of ${TRIED_OF} small tasks` }
      : { tier: 'complex', reason: `complex: little is known of ${cheap.model} yet` }
  if (before && before.usdPerTask > leftUsd && known.usdPerTask <= leftUsd)
    return { tier: 'general', reason: `general: ${dollars(leftUsd)} is left` }
  const mayFail = before ? before.failureRate + MAY_FAIL_MORE : MAY_FAIL
  const isCheaper = !before || known.usdPerMerge < before.usdPerMerge
  const facts = `${textOf(cheap, known)}${before ? `; ${textOf(dear, before)}` : ''}`
  return known.failureRate <= mayFail && isCheaper
    ? { tier: 'general', reason: `general: ${facts}` }
    : { tier: 'complex', reason: `complex: ${facts}` }
}

function isSame(one: ModelName, other: ModelName): boolean {
  return one.provider === other.provider && one.model === other.model
}

/** What came of a model's work in a repository, or else anywhere; undefined where that is too little to say anything. */
function sumOf(outcomes: readonly OutcomeRow[], { provider, model }: ModelName, repository: string): Sum | undefined {
  const of = outcomes.filter((one) => one.provider === provider && isOf(one.model, model))
  const here = added(of.filter((one) => one.repository === repository))
  if (here.tasks >= ENOUGH_HERE) return rates(here)
  const anywhere = added(of)
  return anywhere.tasks >= ENOUGH_ANYWHERE ? rates(anywhere) : undefined
}

/** A vendor answers with a name that says the day as well. */
function isOf(answered: string, model: string): boolean {
  return answered === model || (answered.startsWith(model) && /^[-@:]\d{4}-?\d{2}/.test(answered.slice(model.length)))
}

type Counts = Pick<OutcomeRow, 'tasks' | 'merged' | 'failed' | 'usd'>

function added(all: readonly OutcomeRow[]): Counts {
  return all.reduce<Counts>(
    (sum, one) => ({
      tasks: sum.tasks + one.tasks,
      merged: sum.merged + one.merged,
      failed: sum.failed + one.failed,
      usd: sum.usd + one.usd,
    }),
    { tasks: 0, merged: 0, failed: 0, usd: 0 },
  )
}

function rates({ tasks, merged, failed, usd }: Counts): Sum {
  const usdPerMerge = merged > 0 ? usd / merged : Number.POSITIVE_INFINITY
  return { tasks, failureRate: failed / tasks, usdPerTask: usd / tasks, usdPerMerge }
}

function textOf({ model }: ModelName, { tasks, failureRate, usdPerMerge }: Sum): string {
  const merge = Number.isFinite(usdPerMerge) ? `${dollars(usdPerMerge)} a merge` : 'none merged'
  return `${model}: ${tasks} tasks, ${Math.round(failureRate * 100)} % failed, ${merge}`
}
