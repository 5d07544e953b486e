import { baselineComment } from '../reply/baseline.ts'
import type { Document } from '../reply/document.ts'
import { planComment, questionComment } from '../reply/plan.ts'
import { budgetComment } from '../reply/pull.ts'
import { releasePlanComment } from '../reply/release.ts'
import { baselineKey, budgetKey, planKey, questionKey, releaseKey } from './settled.ts'
import type { GateOpened, Task } from '../task/types.ts'

/** What asks people at a gate, under the key that it has everywhere; undefined where its release is not known. */
export function gateMessage(
  task: Task,
  gate: GateOpened,
): { readonly key: string; readonly document: Document } | undefined {
  switch (gate.kind) {
    case 'plan':
      return { key: planKey(task, gate.hash), document: planComment(task) }
    case 'question':
      return { key: questionKey(task), document: questionComment(task, gate.questions) }
    case 'budget':
      return { key: budgetKey(task), document: budgetComment(task) }
    case 'baseline':
      return { key: baselineKey(task), document: baselineComment(task) }
    case 'deploy': {
      const release = task.releases.at(-1)
      return release && { key: releaseKey(release.index), document: releasePlanComment(task, release) }
    }
  }
}
