import type { WebClient } from '@slack/web-api'
import type { ChannelFacts } from '../types.ts'
import { conversationBefore, namesOf, withNames } from './conversation.ts'
import { classify, isClosed, nameOf } from './client.ts'

/** Slack knows nobody of that id, or does not tell: that is nobody. */
const UNKNOWN = /^users?_not_(?:found|visible)$/

/** A call whose refusals mean what `classify` says; those that `none` names are an empty answer. @throws SendError */
async function asking<T extends object>(ask: () => Promise<T>, none: RegExp): Promise<Partial<T>> {
  try {
    return await ask()
  } catch (error) {
    if (none.test(nameOf(error))) return {}
    throw classify(error)
  }
}

/** Facts about a Slack workspace, asked live. */
export function slackFacts(client: WebClient, redact: (text: string) => string): ChannelFacts {
  const names = namesOf(client)
  return {
    conversation: async (surface, messageId) =>
      surface.channel === 'slack' ? conversationBefore(client, names, surface, messageId) : [],
    named: (_surface, text) => withNames(names, text),
    async permalink(surface, messageId) {
      if (surface.channel !== 'slack') return ''
      // A link is a convenience: the work does not wait for it.
      const answer = await client.chat
        .getPermalink({ channel: surface.room, message_ts: messageId || surface.thread })
        .catch(() => undefined)
      return answer?.permalink ?? ''
    },
    async isFullMember({ id, account }) {
      const { user } = await asking(() => client.users.info({ user: id }), UNKNOWN)
      return (
        user?.id === id &&
        user.team_id === account &&
        user.deleted !== true &&
        user.is_bot !== true &&
        user.is_restricted !== true &&
        user.is_ultra_restricted !== true &&
        user.is_stranger !== true
      )
    },
    ticket: () => Promise.resolve(undefined),
    surfaceNamed: () => Promise.resolve(undefined),
    /** `https://acme.slack.com/archives/C0123/p1700000000123456?thread_ts=…`: a message, and the thread it is in. */
    async surfaceAt(url) {
      const [, room, seconds, rest] = /^\/archives\/([A-Z0-9]{2,20})\/p(\d{9,11})(\d{6})$/.exec(url.pathname) ?? []
      if (!room || !seconds || !rest) return undefined
      const { team_id: team, url: home } = await asking(() => client.auth.test(), /^$/)
      if (!team || !home || new URL(home).host !== url.host) return undefined
      const thread = url.searchParams.get('thread_ts') ?? `${seconds}.${rest}`
      const { messages = [] } = await asking(
        () => client.conversations.replies({ channel: room, ts: thread, limit: 1 }),
        /_not_found$|^not_in_channel$/,
      )
      return messages.length > 0 ? { channel: 'slack', team, room, thread, url: url.href } : undefined
    },
    async thread(surface, words, marker, since) {
      if (surface.channel !== 'slack') return surface
      const [, user = ''] = surface.thread.split(':')
      // Clocks differ a little.
      const oldest = String(since / 1000 - 120)
      const messages = await latest(client, surface.room, oldest)
      if (!messages) return undefined
      const known = messages.find(({ metadata }) => JSON.stringify(metadata?.event_payload ?? {}).includes(marker))
      const ts = known?.ts ?? (await begin(client, surface.room, user, redact(words), marker))
      return { channel: 'slack', team: surface.team, room: surface.room, thread: ts }
    },
    /** Slack needs no address of anybody: its members sign in with GitHub. */
    emailOf: () => Promise.resolve(undefined),
  }
}

/** The newest messages of a channel; undefined where Muster is not in it. */
async function latest(client: WebClient, channel: string, oldest: string) {
  try {
    return (
      (await client.conversations.history({ channel, oldest, limit: 200, include_all_metadata: true })).messages ?? []
    )
  } catch (error) {
    if (isClosed(error)) return undefined
    throw classify(error)
  }
}

/** The first message of a thread: what somebody asked for, in their name. */
async function begin(client: WebClient, room: string, user: string, words: string, marker: string): Promise<string> {
  const element = {
    type: 'rich_text_section' as const,
    elements: [
      { type: 'user' as const, user_id: user },
      { type: 'text' as const, text: ` asked: ${words.slice(0, 2500)}` },
    ],
  }
  const message = {
    channel: room,
    text: 'A request to Muster',
    blocks: [{ type: 'rich_text' as const, elements: [element] }],
    metadata: { event_type: 'muster_thread', event_payload: { marker } },
    unfurl_links: false,
    unfurl_media: false,
  }
  const { ts } = await asking(() => client.chat.postMessage(message), /^$/)
  if (!ts) throw new Error('Slack posted the message, and did not say where')
  return ts
}
