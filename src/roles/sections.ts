import { registry } from '../core/registry.ts'
import type { Role } from '../core/roles.ts'
import { clip } from '../core/sanitise.ts'
import type { StepContext } from './types.ts'

/** Something that models are told beside the house rules and the charter of their role. */
export interface PromptSection {
  /** Whom it concerns; undefined: every role that asks a model. */
  readonly roles?: readonly Role[] | undefined
  /** @param sha a commit of the default branch: never of what is being worked on. @returns undefined where there is nothing to tell */
  readonly text: (context: StepContext, sha: string) => Promise<string | undefined>
}

/** Of each: what is told beside the work leaves room for it. */
const MAX_CHARACTERS = 20_000

/** AGENTS.md or CLAUDE.md, as they stand on the default branch: never those of a pull request. */
const instructions: PromptSection = {
  async text({ git, task }, sha) {
    const { repository } = task.origin
    const own = (await git.show(repository, sha, 'AGENTS.md')) ?? (await git.show(repository, sha, 'CLAUDE.md'))
    return own && `# The repository's instructions (from its default branch)\n\n${own}`
  },
}

/** Every section, one line each, in the order in which they are told. */
export const SECTIONS = registry<'instructions', PromptSection>('the section', { instructions })

/** What a role is told in its step. */
export async function sectionsFor(context: StepContext, sha: string): Promise<string[]> {
  const { role } = context.step
  const wanted = SECTIONS.all().filter(({ roles }) => roles === undefined || roles.includes(role))
  const texts = await Promise.all(wanted.map(({ text }) => text(context, sha)))
  return texts.flatMap((text) => (text === undefined ? [] : [clip(text, MAX_CHARACTERS)]))
}
