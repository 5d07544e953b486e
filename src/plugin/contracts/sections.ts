import assert from 'node:assert/strict'
import { ROLES } from '../../core/roles.ts'
import type { PromptSection } from '../../roles/sections.ts'
import { checks, type ContractCheck } from './check.ts'

/** What a section of prompts owes (the same for every section); what it tells depends on a step that is being worked on. */
export function sectionContract({ roles }: PromptSection): readonly ContractCheck[] {
  return checks({
    'is told to roles that are there': () => {
      assert.ok(roles === undefined || roles.length > 0, 'it is told to nobody')
      for (const role of roles ?? []) assert.ok(ROLES.named(role), `there is no role ${role}`)
    },
  })
}
