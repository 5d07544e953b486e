import { Spec } from '../core/artefacts.ts'
import { workflowOf } from '../core/workflows/registry.ts'
import { charter, finished, houseRules, requestText } from './prompt.ts'
import { surroundings } from './surroundings.ts'
import type { RoleModule, StepContext } from './types.ts'
import type { Checkout } from '../workspace/types.ts'
import { withCheckout } from './workspace.ts'
import { trunkOf } from '../core/task/origin.ts'

/** PM: turns a request into a spec. */
export const pm = { role: 'pm', handlers: { spec: writeSpec } } satisfies RoleModule

async function writeSpec(context: StepContext) {
  const { task, git, agent, nonce } = context
  const sha = await git.resolve(task.origin.repository, trunkOf(task.origin))
  const system = await houseRules(context, sha)
  const { text, version } = charter('pm')
  const before = task.spec
    ? `\n\n## Your earlier spec (people have answered since)\n\n${JSON.stringify(task.spec, null, 1)}`
    : ''
  const write = async (checkout: Checkout) => {
    const around = await surroundings(context, checkout)
    const prompt = `${text}\n\n${requestText(task, nonce)}\n\n${around}${before}\n\nWrite the spec.`
    return finished(
      await agent({
        tier: 'general',
        permissions: ['read', 'run'],
        checkout,
        showsPictures: true,
        system,
        prompt,
        version,
        artefact: Spec,
      }),
    )
  }
  const spec = await withCheckout(context, sha, write, { isReadOnly: true })
  return { kind: 'spec', spec: workflowOf(task).isQuestion ? { ...spec, kind: 'question' as const } : spec } as const
}
