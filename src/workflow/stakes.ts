import { isShort } from '../core/path.ts'
import { spent } from '../core/policy.ts'
import { mayBeReviewed } from '../core/proof.ts'
import type { Step, Task } from '../core/task/types.ts'
import type { Stakes } from '../llm/types.ts'

const WEIGHED: ReadonlySet<Step['kind']> = new Set(['plan', 'build', 'part', 'join', 'rework'])

/** What hangs on the calls of a step; only changes are weighed: what others read and judge is as it is set. */
export function stakesOf(task: Task, step: Step): Stakes | undefined {
  if (!WEIGHED.has(step.kind)) return undefined
  const { repository } = task.origin
  return {
    repository: `${repository.owner}/${repository.name}`,
    risk: task.spec?.risk,
    isSmall: isShort(task),
    hasFailed: task.proofs.some(({ verdict }) => !mayBeReviewed(verdict)),
    leftUsd: task.budgetUsd - spent(task),
    chance: Number.parseInt(task.id.replaceAll('-', '').slice(-6), 16),
  }
}
