import { describe, expect, it } from 'vitest'
import { ROLES } from '../../src/core/roles.ts'
import { workflowOf, WORKFLOWS } from '../../src/core/workflows/registry.ts'
import { roleContract } from '../../src/plugin/contracts/roles.ts'
import { HANDLERS } from '../../src/roles/registry.ts'

/** Every role: a new one is finished when this passes. */
describe.each(ROLES.names())('the role %s', (role) => {
  for (const { name, run } of roleContract(role)) it(name, run)
})

it('nobody does what no workflow wants', () => {
  const wanted = new Set(
    WORKFLOWS.names().flatMap((workflow) => workflowOf({ workflow }).steps.map(({ kind }) => kind)),
  )
  expect(HANDLERS.names().filter((kind) => !wanted.has(kind))).toEqual([])
})
