import { registry } from '../core/registry.ts'
import type { CoreStep, StepKind } from '../core/task/types.ts'
import { pm } from './pm.ts'
import { qa } from './qa.ts'
import { sa } from './sa.ts'
import { sd } from './sd.ts'
import { sre } from './sre.ts'
import type { StepHandler } from './types.ts'

/** What the roles do, one line each; a kind of step that nobody does is an error of the compiler. */
export const HANDLERS = registry<CoreStep, StepHandler>('who does the step', {
  ...pm.handlers,
  ...sa.handlers,
  ...sd.handlers,
  ...qa.handlers,
  ...sre.handlers,
})

/** Who does a kind of step. @throws for one that is not known here: a task of a newer version may have it */
export function handlerFor(kind: StepKind): StepHandler {
  return HANDLERS.of(kind)
}
