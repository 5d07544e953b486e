import type { CoreStep, StepKind } from '../core/task/types.ts'
import { pm } from './pm.ts'
import { qa } from './qa.ts'
import { sa } from './sa.ts'
import { sd } from './sd.ts'
import { sre } from './sre.ts'
import type { StepHandler } from './types.ts'

/** Every role, one line each; a kind of step that nobody does is an error of the compiler. */
const HANDLERS = {
  ...pm.handlers,
  ...sa.handlers,
  ...sd.handlers,
  ...qa.handlers,
  ...sre.handlers,
} satisfies Readonly<Record<CoreStep, StepHandler>>

/** By the names that are stored: a task of a newer version may have a kind that is not there. */
const ALL = new Map<string, StepHandler>(Object.entries(HANDLERS))

/** Who does a kind of step. @throws for one that this version does not know */
export function handlerFor(kind: StepKind): StepHandler {
  const handler = ALL.get(kind)
  if (!handler) throw new Error(`no role does ${kind}`)
  return handler
}
