import type { Member, Surface, Ticket } from '../../core/said.ts'
import { SendError, type ChannelFacts } from '../types.ts'
import { asking, type JiraClient } from './client.ts'
import { memberOf, ticketOf } from './normalise.ts'
import { surfaceOf } from './receive.ts'
import { Changes, Issue, RemoteLinks } from './schema.ts'

export interface JiraFactsDeps {
  readonly client: JiraClient
  readonly host: string
  /** Muster's own account. */
  readonly self: () => Promise<string>
  /** The site verifies the addresses of its accounts. */
  readonly trustEmail: boolean
}

/** What is read of a ticket. */
export const FIELDS = [
  'summary',
  'description',
  'labels',
  'assignee',
  'reporter',
  'creator',
  'project',
  'updated',
] as const

/** Facts about a Jira site, asked live. */
export function jiraFacts(deps: JiraFactsDeps): ChannelFacts {
  const { client, host, self, trustEmail } = deps
  const user = (member: Member) => asking(() => client.users.getUser({ accountId: member.id }))
  const named = async (key: string) => (await issue(client, host, key))?.surface
  return {
    permalink: async (surface) => surface.url ?? '',
    async isFullMember(member) {
      const { accountId, active, accountType } = await user(member)
      return accountId === member.id && active === true && accountType === 'atlassian'
    },
    async ticket(surface): Promise<Ticket | undefined> {
      if (surface.channel !== 'jira') return undefined
      const found = await issue(client, host, surface.ticket)
      return found && ticketOf(found.issue, found.surface, await self())
    },
    editors: async (surface) => (surface.channel === 'jira' ? editors(client, surface) : []),
    async links(surface) {
      if (surface.channel !== 'jira') return []
      const links = await asking(() => client.issueRemoteLinks.getRemoteIssueLinks({ issueIdOrKey: surface.ticket }))
      return RemoteLinks.parse(links).flatMap(({ object }) => object?.url ?? [])
    },
    async surfaceAt(url): Promise<Surface | undefined> {
      const key =
        /^\/browse\/([A-Za-z][A-Za-z0-9_]*-\d+)\/?$/.exec(url.pathname)?.[1] ?? url.searchParams.get('selectedIssue')
      return url.host === new URL(host).host && key ? named(key) : undefined
    },
    surfaceNamed: (name) => (/^[A-Z][A-Z0-9_]{1,30}-\d{1,9}$/.test(name) ? named(name) : Promise.resolve(undefined)),
    async emailOf(member) {
      return trustEmail ? (await user(member)).emailAddress || undefined : undefined
    },
  }
}

/** What a ticket says, as its history of changes calls it. */
const WORDS: ReadonlySet<string> = new Set(['summary', 'description'])
const PAGE = 100
const MAX_PAGES = 20

async function editors(client: JiraClient, { site, ticket }: Extract<Surface, { channel: 'jira' }>): Promise<Member[]> {
  const found = new Map<string, Member>()
  let startAt = 0
  for (let page = 0; page < MAX_PAGES; page++) {
    const read = Changes.safeParse(
      await asking(() => client.issues.getChangeLogs({ issueIdOrKey: ticket, startAt, maxResults: PAGE })),
    )
    if (!read.success) break
    const { isLast, values } = read.data
    for (const { author, items } of values) {
      if (!items.some(({ field }) => WORDS.has(field ?? ''))) continue
      const member = memberOf(site, author ?? {})
      found.set(member.id, member)
    }
    if (isLast ?? values.length === 0) return [...found.values()]
    // A page holds what Jira gives, not what was asked for.
    startAt += values.length
    if (values.length === 0) break
  }
  // There is more than can be read: who else changed it is not known.
  return [...found.values(), memberOf(site, {})]
}

/** A resource under the site's own address: through Atlassian's gateway it has another. */
export function onSite<T extends { readonly id: string }>(issue: T, host: string): T & { readonly self: string } {
  return { ...issue, self: `${host}/rest/api/3/issue/${issue.id}` }
}

/** A ticket by its id or key; undefined where it is not there (any more). */
async function issue(client: JiraClient, host: string, issueIdOrKey: string) {
  try {
    const read = Issue.parse(await asking(() => client.issues.getIssue({ issueIdOrKey, fields: [...FIELDS] })))
    const found = onSite(read, host)
    const surface = surfaceOf({ issue: found, comment: undefined })
    return surface && { issue: found, surface }
  } catch (error) {
    if (error instanceof SendError && error.trouble === 'gone') return undefined
    throw error
  }
}
