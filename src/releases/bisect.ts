import { type Bisect, type Bisected, nextStep } from '../core/bisect.ts'
import { UserError } from '../core/errors.ts'
import type { Repository } from '../core/task/types.ts'
import type { Environment, ReleaseDeps, Target } from './types.ts'

/** More commits than anybody would deploy one after the other: twelve steps. */
const MOST = 4096

/** Where people are: there each step is approved, whatever the settings say of deploys that somebody wanted. */
export function isProduction({ name }: Pick<Environment, 'name'>): boolean {
  return /^(prod|live)/i.test(name)
}

/** What is tried next, or what came of it. @throws UserError where the bounds are none */
export async function bisectStep(
  { git }: Pick<ReleaseDeps, 'git'>,
  repository: Repository,
  target: Target,
  environment: Environment,
  wanted: Bisect,
): Promise<{ readonly sha: string; readonly bisect: Bisect } | { readonly bisected: Bisected }> {
  const [good, bad] = await Promise.all([git.resolve(repository, wanted.good), git.resolve(repository, wanted.bad)])
  const main = await git.resolve(repository, repository.defaultBranch)
  if (!(await git.isAncestor(repository, good, bad)) || !(await git.isAncestor(repository, bad, main)))
    throw new UserError(
      'no_range',
      `\`${wanted.good.slice(0, 7)}\` has to come before \`${wanted.bad.slice(0, 7)}\`, and both have to be merged.`,
      { hint: 'The first is the last commit that was not worse, the second one that is.' },
    )
  const commits = await git.merges(repository, good, bad, MOST)
  const bisect = { good, bad, skipped: wanted.skipped }
  const next = nextStep(bisect, commits.toReversed(), await target.current(environment))
  return next.kind === 'over' ? { bisected: next.bisected } : { sha: next.sha, bisect }
}
