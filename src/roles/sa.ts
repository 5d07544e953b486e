import { Answer, Design } from '../core/artefacts.ts'
import { charter, finished, houseRules, requestText, specText } from './prompt.ts'
import { writePlan } from './plan.ts'
import { surroundings } from './surroundings.ts'
import type { RoleModule, StepContext } from './types.ts'
import type { Checkout } from '../workspace/types.ts'
import { withCheckout } from './workspace.ts'

/** SA: designs the change, by itself or with the spec of a small one, or answers the question. */
export const sa = {
  role: 'sa',
  handlers: { design: writeDesign, answer: writeAnswer, plan: writePlan },
} satisfies RoleModule

async function writeDesign(context: StepContext) {
  const { task, agent, nonce } = context
  const sha = await headOfDefault(context)
  const system = await houseRules(context, sha)
  const { text, version } = charter('sa')
  const design = await withCheckout(context, sha, async (checkout) => {
    const around = await surroundings(context, checkout)
    const spec = task.spec ? specText(task.spec) : ''
    const prompt = `${text}\n\n${requestText(task, nonce)}\n\n${around}\n\n${spec}\n\nDesign the change.`
    return finished(
      await agent({
        tier: 'complex',
        permissions: ['read', 'run'],
        checkout,
        system,
        prompt,
        version,
        artefact: Design,
      }),
    )
  })
  return { kind: 'design', design } as const
}

async function writeAnswer(context: StepContext) {
  const { task, agent, nonce } = context
  const sha = await headOfDefault(context)
  const system = await houseRules(context, sha)
  const { text, version } = charter('answer')
  const write = async (checkout: Checkout) =>
    finished(
      await agent({
        tier: 'general',
        permissions: ['read', 'run'],
        checkout,
        system,
        prompt: `${text}\n\n${requestText(task, nonce)}\n\n${await surroundings(context, checkout)}\n\nAnswer the question.`,
        version,
        artefact: Answer,
      }),
    )
  const answer = await withCheckout(context, sha, write, { isReadOnly: true })
  return { kind: 'answer', answer } as const
}

function headOfDefault({ git, task }: StepContext): Promise<string> {
  return git.resolve(task.origin.repository, task.origin.repository.defaultBranch)
}
