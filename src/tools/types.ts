import type { z } from 'zod'
import type { Role } from '../core/roles.ts'
import type { Picture, Wanted } from '../llm/types.ts'
import type { Checkout } from '../workspace/types.ts'

/** What a tool may do; a role is given permissions, not tools. */
export type Permission = 'read' | 'write' | 'run'

export interface ToolOutput {
  readonly text: string
  readonly isError: boolean
  readonly picture?: Picture | undefined
}

export interface ToolContext {
  readonly checkout: Checkout
  /** How long a command may run, in ms. */
  readonly timeoutMs: number
  /** Whether this path may be changed, by the repository's settings. */
  readonly mayWrite: (path: string) => { ok: boolean; detail: string }
}

/** A tool. What Muster's own do happens inside the sandbox. */
export interface Tool {
  readonly name: string
  readonly description: string
  readonly permission: Permission
  readonly input: z.ZodType
  /** Whether a resumed step must do it again to get the same tree. */
  readonly changesTree: boolean
  /** What a provider's models must be able to do to be given it; undefined: nothing of their own. */
  readonly wants?: Wanted | undefined
  /** To whom it is given, beside the permission; undefined: to every role that has that. */
  readonly roles?: readonly Role[] | undefined
  call(input: unknown, context: ToolContext): Promise<ToolOutput>
}
