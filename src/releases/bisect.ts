import { type Bisect, type Bisected, nextStep } from '../core/bisect.ts'
import { environmentKey } from '../core/environments/types.ts'
import { UserError } from '../core/errors.ts'
import type { Repository } from '../core/task/types.ts'
import type { Environment, ReleaseDeps, Target } from './types.ts'

/** More commits than anybody would look through: a dozen halves. */
const MOST = 4096
/** Where nobody is hurt by a release that is worse, by the names that people give such places. */
const NOT_PRODUCTION =
  /^(staging|stage|stg|tests?|testing|qa|uat|dev|devel|develop|development|preview|sandbox|demo|local|ci|int|integration)\b/i

/** Whether people may be there: then each step is approved, whatever the settings say of deploys that somebody wanted. */
export function isProduction({ name }: Pick<Environment, 'name'>): boolean {
  return !NOT_PRODUCTION.test(name)
}

/** What is tried next, or what came of it. @throws UserError where the bounds are none */
export async function bisectStep(
  { git, environments }: Pick<ReleaseDeps, 'git' | 'environments'>,
  repository: Repository,
  target: Target,
  environment: Environment,
  wanted: Bisect,
): Promise<{ readonly sha: string; readonly bisect: Bisect } | { readonly bisected: Bisected }> {
  const [good, named] = await Promise.all([git.resolve(repository, wanted.good), git.resolve(repository, wanted.bad)])
  const main = await git.resolve(repository, repository.defaultBranch)
  if (
    good === named ||
    !(await git.isAncestor(repository, good, named)) ||
    !(await git.isAncestor(repository, named, main))
  )
    throw new UserError(
      'no_range',
      `\`${wanted.good.slice(0, 7)}\` has to come before \`${wanted.bad.slice(0, 7)}\`, and both have to be merged.`,
      { hint: 'The first is the last commit that was not worse, the second one that is.' },
    )
  const commits = (await git.merges(repository, good, named, MOST)).toReversed()
  const { quarantine = [] } = (await environments.load(environmentKey(repository, environment.name)))?.state ?? {}
  // What was taken back there is worse, and nothing that has it goes live.
  const at = commits.findIndex(({ sha }) => quarantine.some((one) => one.sha === sha))
  const open = at < 0 ? commits : commits.slice(0, at + 1)
  const bisect = { ...wanted, good, bad: open.at(-1)?.sha ?? named }
  const next = nextStep(bisect, open, await target.current(environment))
  return next.kind === 'over' ? { bisected: next.bisected } : { sha: next.sha, bisect }
}
