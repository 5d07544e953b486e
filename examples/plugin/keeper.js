// @ts-check
import { charterWith, clip, finished, newNonce, quoteBlock, withCheckout, z } from 'muster/plugin'
import { notesOf } from './notes.js'

/** What the model owes: which of the notes are worth doing something about. */
const Sorted = z.object({
  first: z.array(z.string().max(300)).max(10).describe('The notes to begin with, as file:line and what is to be done.'),
  why: z.string().max(1000).describe('In a few words, why these.'),
})

/** Finds the notes that people left in the code. No model is asked: what can be found without one costs nothing. */
async function find(/** @type {import('muster/plugin').StepContext} */ context) {
  const { git, task } = context
  const sha = await git.resolve(task.origin.repository, task.origin.repository.defaultBranch)
  const notes = await withCheckout(
    context,
    sha,
    async (checkout) => {
      const { output } = await checkout.run(
        ['grep', '-rnIE', '--exclude-dir=.git', '--exclude-dir=node_modules', '-e', '(TODO|FIXME)', '.'],
        { timeoutMs: 30_000 },
      )
      return output.split('\n').filter((line) => /^\.\/.+:\d+:/.test(line))
    },
    { isReadOnly: true },
  )
  return /** @type {const} */ ({ kind: 'artefact', artefact: { sha, notes: notes.slice(0, 200) } })
}

/** Has a model say which of them matter. What stands in the code is quoted: it gives no orders. */
async function sort(/** @type {import('muster/plugin').StepContext} */ context) {
  const { sha, notes } = notesOf(context.task)
  const system = await charterWith('You are the Keeper: you look after what was left to be done.', context, sha)
  const found = quoteBlock('notes', clip(notes.join('\n'), 20_000), newNonce())
  const prompt = `Notes that people left in the code:\n\n${found}\n\nWhich of them should be done first?`
  const sorted = finished(
    await context.agent({
      tier: 'simple',
      permissions: [],
      checkout: undefined,
      system,
      prompt,
      artefact: Sorted,
    }),
  )
  return /** @type {const} */ ({ kind: 'artefact', artefact: sorted })
}

/** @type {import('muster/plugin').PluginRole} */
export const keeper = {
  name: 'example/keeper',
  title: 'Keeper',
  handlers: { 'example/find': find, 'example/sort': sort },
}
