/** What GitHub lets somebody do in a repository, the least first (docs.github.com, "Repository roles for an organization"). */
export const ROLE_NAMES = ['none', 'read', 'triage', 'write', 'maintain', 'admin'] as const
export type RoleName = (typeof ROLE_NAMES)[number]

/** Whether a role allows what another does. */
export function isAtLeast(role: RoleName, least: RoleName): boolean {
  return ROLE_NAMES.indexOf(role) >= ROLE_NAMES.indexOf(least)
}

/** What somebody is in a repository, as GitHub says now. */
export interface Standing {
  readonly id: number
  readonly login: string
  readonly role: RoleName
  /** Of the teams that were asked about, those they belong to, as `org/team` in small letters. */
  readonly teams: readonly string[]
}

/** Who is meant: whoever has a role at least, somebody, or a team (`@login`, `@org/team`). */
export type Who = 'write' | 'maintain' | 'admin' | `@${string}`

/** Who may approve a deploy: one of these, or whoever owns what changes, which is found out when it is planned. */
export type Approver = Who | typeof OWNERS
export const OWNERS = 'code-owners'

export function isApprover(text: string): text is Approver {
  return text === OWNERS || isWho(text)
}

export function isWho(text: string): text is Who {
  return /^(write|maintain|admin)$/.test(text) || /^@[A-Za-z\d][A-Za-z\d_-]{0,38}(\/[\w.-]{1,100})?$/.test(text)
}
