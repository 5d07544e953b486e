import { elsewhereOf } from './elsewhere.ts'
import { partsOfPlan, PatchNote, Plan } from '../core/artefacts.ts'
import { type HandOver, FINISH } from '../agent/types.ts'
import type { Permission } from '../tools/types.ts'
import { charter, finished, houseRules, requestText } from './prompt.ts'
import { surroundings } from './surroundings.ts'
import type { StepContext } from './types.ts'
import { testsText } from './tests.ts'
import { withCheckout } from './workspace.ts'
import { trunkOf } from '../core/task/origin.ts'

/** Spec and design of a small request in one go; SD goes on with the same conversation. */

/** The same for both: the beginning of what is said stays the same, and is found in a prompt cache. */
export const TOGETHER: readonly Permission[] = ['read', 'write', 'run']

const HAND_OVER_PLAN: HandOver = {
  name: 'hand_over_plan',
  description: 'Hand over spec and design of a request; this ends the planning.',
}
/** What else stands among the tools of whoever makes the change after a plan. */
export const BESIDE_CHANGE = [{ ...HAND_OVER_PLAN, artefact: Plan }]

export async function writePlan(context: StepContext) {
  const { task, git, agent, nonce } = context
  const { repository } = task.origin
  const sha = await git.resolve(repository, trunkOf(task.origin))
  const system = await houseRules(context, sha)
  const { text, version } = charter('plan')
  const before = task.spec
    ? `\n\n## Your earlier plan (people have said something since)\n\n${JSON.stringify({ spec: task.spec, design: task.design }, null, 1)}`
    : ''
  const plan = await withCheckout(context, sha, async (checkout, checks) => {
    const around = await surroundings(context, checkout)
    const prompt = `${text}\n\n${requestText(task, nonce)}\n\n${around}\n\n${testsText(context, checks, sha)}${before}\n\nPlan the change.`
    return finished(
      await agent({
        tier: 'complex',
        permissions: TOGETHER,
        checkout,
        showsPictures: true,
        system,
        prompt,
        version,
        artefact: Plan,
        handOver: HAND_OVER_PLAN,
        beside: [{ ...FINISH, artefact: PatchNote }],
        notYet: 'the plan comes first: hand it over by `hand_over_plan`',
        isKept: true,
      }),
    )
  })
  const parts = partsOfPlan(plan)
  return { kind: 'plan', ...parts, elsewhere: await elsewhereOf(context, sha, parts.design) } as const
}
