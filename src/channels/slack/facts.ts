import type { WebClient } from '@slack/web-api'
import type { ChannelFacts } from '../types.ts'

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
  }
}
