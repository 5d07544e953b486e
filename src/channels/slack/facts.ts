import type { WebClient } from '@slack/web-api'
import type { ChannelFacts } from '../types.ts'
import { nameOf } from './client.ts'

/** Facts about a Slack workspace, asked live. */
export function slackFacts(client: WebClient): ChannelFacts {
  return {
    async permalink(surface, messageId) {
      if (surface.channel !== 'slack') return ''
      // A link is a convenience: the work does not wait for it.
      const answer = await client.chat
        .getPermalink({ channel: surface.room, message_ts: messageId || surface.thread })
        .catch(() => undefined)
      return answer?.permalink ?? ''
    },
    async isFullMember({ id, account }) {
      const { user } = await client.users.info({ user: id })
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
      const { team_id: team, url: home } = await client.auth.test()
      if (!team || !home || new URL(home).host !== url.host) return undefined
      const thread = url.searchParams.get('thread_ts') ?? `${seconds}.${rest}`
      const { messages = [] } = await client.conversations
        .replies({ channel: room, ts: thread, limit: 1 })
        .catch((error: unknown) => {
          if (/_not_found$|^not_in_channel$/.test(nameOf(error))) return { messages: [] }
          throw error
        })
      return messages.length > 0 ? { channel: 'slack', team, room, thread, url: url.href } : undefined
    },
    /** Slack needs no address of anybody: its members sign in with GitHub. */
    emailOf: () => Promise.resolve(undefined),
  }
}
