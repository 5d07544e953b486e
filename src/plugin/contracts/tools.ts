import assert from 'node:assert/strict'
import { z } from 'zod'
import { ROLES } from '../../core/roles.ts'
import type { Tool, ToolContext } from '../../tools/types.ts'
import { checks, type ContractCheck } from './check.ts'

/** What a tool is put to the test with. */
export interface ToolBench {
  /** Inputs that it must not take. */
  readonly wrong: readonly unknown[]
  /** A workspace, where it needs one for that. */
  readonly context: ToolContext
}

/** What a tool owes (the same for every tool). */
export function toolContract(tool: Tool, { wrong, context }: ToolBench): readonly ContractCheck[] {
  return checks({
    'is called so that every vendor takes it, and says what it does': () => {
      assert.match(tool.name, /^[a-zA-Z][a-zA-Z0-9_-]{0,63}$/)
      assert.ok(tool.description.length > 10)
    },
    'has an input that is an object, as a model is told it': () => {
      const schema: Readonly<Record<string, unknown>> = z.toJSONSchema(tool.input, { io: 'input' })
      assert.equal(schema['type'], 'object')
    },
    'answers a wrong input, and throws nothing': async () => {
      for (const input of [undefined, null, 7, [], ...wrong]) {
        const { isError, text } = await tool.call(input, context)
        assert.ok(isError && text !== '', `${JSON.stringify(input)} is taken`)
      }
    },
    'is given to roles that are there': () => {
      for (const role of tool.roles ?? []) assert.ok(ROLES.named(role), `there is no role ${role}`)
    },
  })
}
