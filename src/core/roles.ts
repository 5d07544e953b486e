import { type PluginId, registry } from './registry.ts'

/** What is known of a role wherever it is named. What it does stands in `roles/`. */
export interface RoleTraits {
  /** As people read it. */
  readonly title: string
}

const OWN = {
  pm: { title: 'PM' },
  sa: { title: 'SA' },
  sd: { title: 'SD' },
  qa: { title: 'QA' },
  sre: { title: 'SRE' },
} satisfies Readonly<Record<string, RoleTraits>>

export type CoreRole = keyof typeof OWN
export type Role = CoreRole | PluginId

/** Every role, one line each: queues and job schemas follow from it. */
export const ROLES = registry<CoreRole, RoleTraits>('the role', OWN)

/** What a role is called; of a plug-in that is not there, by its name. */
export function roleTitle(role: Role): string {
  return ROLES.get(role)?.title ?? role
}
