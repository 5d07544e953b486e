import assert from 'node:assert/strict'
import { type Role, ROLES } from '../../core/roles.ts'
import { workflowOf, WORKFLOWS } from '../../core/workflows/registry.ts'
import { HANDLERS } from '../../roles/registry.ts'
import { checks, type ContractCheck } from './check.ts'

/** What a role owes (the same for every role); it is in the registries. */
export function roleContract(role: Role): readonly ContractCheck[] {
  const steps = WORKFLOWS.names().flatMap((workflow) => workflowOf({ workflow }).steps)
  const own = steps.filter((step) => step.role === role)
  return checks({
    'is called by a name that people read': () => {
      const { title } = ROLES.of(role)
      assert.match(title, /^[A-Z][\w -]{1,30}$/)
      for (const other of ROLES.names())
        if (other !== role) assert.notEqual(ROLES.of(other).title, title, `${other} is called the same`)
    },
    'has something to do, and does all of it': () => {
      assert.ok(own.length > 0, `no workflow has a step of ${role}`)
      for (const { kind } of own) assert.ok(HANDLERS.get(kind), `nobody does ${kind}`)
    },
    'does each kind of step alone': () => {
      for (const { kind } of own)
        for (const other of steps)
          assert.ok(other.kind !== kind || other.role === role, `${other.role} does ${kind}, too`)
    },
  })
}
