import { Answer, Design } from '../core/artefacts.ts'
import { charter, finished, requestText, specText } from './prompt.ts'
import type { RoleModule, StepContext } from './types.ts'
import type { Checkout } from '../workspace/types.ts'
import { withCheckout } from './workspace.ts'

/** SA: designs the change, or answers the question. */
export const sa = { role: 'sa', handlers: { design: writeDesign, answer: writeAnswer } } satisfies RoleModule

async function writeDesign(context: StepContext) {
  const { task, agent } = context
  const sha = await headOfDefault(context)
  const system = await charter('sa', context, sha)
  const design = await withCheckout(context, sha, async (checkout) => {
    const prompt = `${requestText(task)}\n\n${task.spec ? specText(task.spec) : ''}\n\nDesign the change.`
    return finished(await agent({ tier: 'complex', permissions: ['read'], checkout, system, prompt, artefact: Design }))
  })
  return { kind: 'design', design } as const
}

async function writeAnswer(context: StepContext) {
  const { task, agent } = context
  const sha = await headOfDefault(context)
  const system = await charter('answer', context, sha)
  const write = async (checkout: Checkout) =>
    finished(
      await agent({
        tier: 'general',
        permissions: ['read'],
        checkout,
        system,
        prompt: `${requestText(task)}\n\nAnswer the question.`,
        artefact: Answer,
      }),
    )
  const answer = await withCheckout(context, sha, write, { isReadOnly: true })
  return { kind: 'answer', answer } as const
}

function headOfDefault({ git, task }: StepContext): Promise<string> {
  return git.resolve(task.origin.repository, task.origin.repository.defaultBranch)
}
