import type { Design } from '../core/artefacts.ts'
import { type Elsewhere, underWay } from '../core/elsewhere.ts'
import { branchName } from '../core/task/publishing.ts'
import type { StepContext } from './types.ts'

/** Work of others on the same issue or files, told from the branches of the repository before anything is coded. */
export async function elsewhereOf(
  { git, task }: StepContext,
  sha: string,
  design: Design | undefined,
): Promise<readonly Elsewhere[]> {
  const { repository, number } = task.origin
  if (!design) return []
  const branches = await git.openBranches(repository, sha)
  const files = [...design.files.map(({ path }) => path), ...design.slices.flatMap((slice) => slice.files)]
  return underWay(branches, { number, files, own: task.branch ?? branchName(task) })
}
