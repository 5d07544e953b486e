import type { Member, Surface, Ticket } from '../../core/said.ts'
import { SendError, type ChannelFacts } from '../types.ts'
import type { ClickupClient } from './client.ts'
import type { ClickupTask } from './schema.ts'

export interface ClickupFactsDeps {
  readonly client: ClickupClient
  readonly team: string
  /** Where its API answers: a stand-in has its pages there too. */
  readonly apiHost: string
  /** The workspace verifies the addresses of its accounts. */
  readonly trustEmail: boolean
}

/** Facts about a ClickUp workspace, asked live. */
export function clickupFacts({ client, team, apiHost, trustEmail }: ClickupFactsDeps): ChannelFacts {
  const member = async (id: string) => (await client.members(team)).find(({ user }) => user.id === id)
  const at = async (id: string) => surfaceOf(team, await task(client, id))
  return {
    permalink: async (surface) =>
      surface.url ?? (surface.channel === 'clickup' ? `https://app.clickup.com/t/${surface.ticket}` : ''),
    isFullMember: async ({ id, account }) => account === team && (await member(id))?.isGuest === false,
    async ticket(surface): Promise<Ticket | undefined> {
      const found = surface.channel === 'clickup' ? await task(client, surface.ticket) : undefined
      return found && ticketOf(team, found)
    },
    /** `https://app.clickup.com/t/86abc` */
    async surfaceAt(url) {
      const id = /^\/t\/([a-z0-9]{1,40})\/?$/.exec(url.pathname)?.[1]
      if (!id || (url.hostname !== 'app.clickup.com' && url.host !== apiHost)) return undefined
      const found = await at(id)
      return found?.url !== undefined && new URL(found.url).host === url.host ? found : undefined
    },
    surfaceNamed: () => Promise.resolve(undefined),
    async emailOf({ id }) {
      return trustEmail ? (await member(id))?.user.email : undefined
    },
  }
}

async function task(client: ClickupClient, id: string): Promise<ClickupTask | undefined> {
  try {
    return await client.task(id)
  } catch (error) {
    if (error instanceof SendError && error.trouble === 'gone') return undefined
    throw error
  }
}

export function surfaceOf(team: string, found: ClickupTask | undefined): Surface | undefined {
  return found && { channel: 'clickup', team, ticket: found.id, ...(found.url ? { url: found.url } : {}) }
}

export function ticketOf(team: string, found: ClickupTask): Ticket {
  return {
    title: found.name,
    body: found.markdown_description ?? found.text_content ?? found.description ?? '',
    projects: [found.list?.id, found.folder?.id, found.space?.id].filter((id) => id !== undefined),
    labels: (found.tags ?? []).map(({ name }) => name),
    url: found.url ?? '',
    author: found.creator && memberOf(team, found.creator),
  }
}

export function memberOf(team: string, user: { id: string; username?: string | undefined }): Member {
  return {
    channel: 'clickup',
    account: team,
    id: user.id,
    name: user.username ?? user.id,
    isBot: false,
    isStranger: false,
  }
}
