import type { StepKind } from '../core/task/types.ts'
import { pm } from './pm.ts'
import { qa } from './qa.ts'
import { sa } from './sa.ts'
import { sd } from './sd.ts'
import { sre } from './sre.ts'
import type { RoleModule, StepHandler } from './types.ts'

/** Every role, one line each. */
const ROLES: readonly RoleModule[] = [pm, sa, sd, qa, sre]

/** Who does a kind of step. */
export function handlerFor(kind: StepKind): StepHandler {
  const handler = ROLES.map((module) => module.handlers[kind]).find((one) => one !== undefined)
  if (!handler) throw new Error(`no role does ${kind}`)
  return handler
}
