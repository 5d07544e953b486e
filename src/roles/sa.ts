import { Answer, Design, type Place } from '../core/artefacts.ts'
import { placesNamed } from '../core/places.ts'
import { charter, finished, houseRules, requestText, specText } from './prompt.ts'
import { elsewhereOf } from './elsewhere.ts'
import { writePlan } from './plan.ts'
import { surroundings } from './surroundings.ts'
import type { RoleModule, StepContext } from './types.ts'
import type { Checkout } from '../workspace/types.ts'
import { withCheckout } from './workspace.ts'
import { trunkOf } from '../core/task/origin.ts'

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
        showsPictures: true,
        system,
        prompt,
        version,
        artefact: Design,
      }),
    )
  })
  return { kind: 'design', design, elsewhere: await elsewhereOf(context, sha, design) } as const
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
        showsPictures: true,
        system,
        prompt: `${text}\n\n${requestText(task, nonce)}\n\n${await surroundings(context, checkout)}\n\nAnswer the question.`,
        version,
        artefact: Answer,
      }),
    )
  const answer = await withCheckout(context, sha, write, { isReadOnly: true })
  return { kind: 'answer', answer: { ...answer, sha, places: await placesOf(context, sha, answer.answer) } } as const
}

/** The lines that a text names and that are there. */
async function placesOf({ git, task }: StepContext, sha: string, text: string): Promise<readonly Place[]> {
  const { repository } = task.origin
  const files = new Set((await git.files(repository, sha)).map(({ path }) => path))
  const named = placesNamed(text, (path) => files.has(path))
  const lines = new Map<string, number>()
  for (const path of new Set(named.map((place) => place.path)))
    lines.set(path, ((await git.show(repository, sha, path)) ?? '').split('\n').length)
  return named.filter(({ path, line }) => line <= (lines.get(path) ?? 0))
}

function headOfDefault({ git, task }: StepContext): Promise<string> {
  return git.resolve(task.origin.repository, trunkOf(task.origin))
}
