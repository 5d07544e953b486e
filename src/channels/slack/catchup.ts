import type { WebClient } from '@slack/web-api'
import type { Surface } from '../../core/said.ts'
import type { CatchUp, CatchUpStore } from '../types.ts'
import { nameOf } from './client.ts'
import type { Thread } from './deps.ts'
import { arrivalOf } from './receive.ts'

/** Lists are read over so many pages; whoever missed more is told. */
const MAX_PAGES = 50
/** Slack repeats what was not answered for about six minutes (limits.md); a look back a little further misses nothing between. */
const OVERLAP_MS = 60_000

interface Message {
  readonly type?: string | undefined
  readonly subtype?: string | undefined
  readonly ts?: string | undefined
  readonly user?: string | undefined
  readonly bot_id?: string | undefined
  readonly text?: string | undefined
  readonly thread_ts?: string | undefined
}

/**
 * Reads what was said while nobody listened: the replies in threads with work under way, and mentions in the channels that
 * the app is in. Each is stored under the id it would have had, so that what did arrive is not there twice.
 * @param open threads of tasks that are not finished
 */
export function slackCatchUp(client: WebClient, open: () => Promise<readonly Surface[]>, store: CatchUpStore): CatchUp {
  return {
    source: 'slack',
    async run(since) {
      const { team_id: team = '', user_id: own = '' } = await client.auth.test()
      const oldest = String((since - OVERLAP_MS) / 1000)
      const cut: string[] = []
      const found: string[] = []
      const keep = async (room: string, messages: readonly Message[]) => {
        for (const message of messages) {
          if (message.bot_id !== undefined || message.user === own || message.ts === undefined) continue
          const { id, duplicate } = await store.insert(arrivalOf(eventOf(team, own, room, message)))
          if (!duplicate) found.push(id)
        }
      }
      for (const { room, thread } of threadsOf(await open(), team))
        await keep(room, await repliesIn(client, room, thread, oldest, cut))
      for (const room of await roomsOf(client, cut))
        await keep(
          room,
          (await historyOf(client, room, oldest, cut)).filter(({ text = '' }) => text.includes(`<@${own}>`)),
        )
      return { asked: 0, found, cut }
    },
  }
}

function threadsOf(surfaces: readonly Surface[], team: string): Thread[] {
  return surfaces.filter((one): one is Thread => one.channel === 'slack' && one.team === team)
}

/** A message in the form of the event that would have told of it. */
function eventOf(team: string, own: string, channel: string, message: Message) {
  return {
    type: 'event_callback',
    team_id: team,
    event_id: `catch-up-${message.ts}`,
    authorizations: [{ user_id: own, is_bot: true }],
    event: { ...message, type: 'message', channel },
  }
}

async function repliesIn(
  client: WebClient,
  channel: string,
  ts: string,
  oldest: string,
  cut: string[],
): Promise<Message[]> {
  return paged(`replies in ${channel}`, cut, async (cursor) => {
    const { messages = [], response_metadata: more } = await client.conversations.replies({
      channel,
      ts,
      oldest,
      limit: 200,
      ...cursor,
    })
    return { items: messages, next: more?.next_cursor }
  })
}

async function historyOf(client: WebClient, channel: string, oldest: string, cut: string[]): Promise<Message[]> {
  return paged(`messages in ${channel}`, cut, async (cursor) => {
    const { messages = [], response_metadata: more } = await client.conversations.history({
      channel,
      oldest,
      limit: 200,
      ...cursor,
    })
    return { items: messages, next: more?.next_cursor }
  })
}

async function roomsOf(client: WebClient, cut: string[]): Promise<string[]> {
  const channels = await paged('channels', cut, async (cursor) => {
    const types = 'public_channel,private_channel,im'
    const { channels: items = [], response_metadata: more } = await client.users.conversations({
      types,
      exclude_archived: true,
      limit: 200,
      ...cursor,
    })
    return { items, next: more?.next_cursor }
  })
  return channels.flatMap(({ id }) => id ?? [])
}

/** Page after page. Threads and channels that are gone have nothing for us; anything else is tried again later. */
async function paged<T>(
  what: string,
  cut: string[],
  read: (cursor: { cursor?: string }) => Promise<{ items: readonly T[]; next: string | undefined }>,
): Promise<T[]> {
  const all: T[] = []
  let cursor: { cursor?: string } = {}
  for (let page = 0; page < MAX_PAGES; page++) {
    try {
      const { items, next } = await read(cursor)
      all.push(...items)
      if (!next) return all
      cursor = { cursor: next }
    } catch (error) {
      if (/^(thread_not_found|channel_not_found|not_in_channel|is_archived|missing_scope)$/.test(nameOf(error)))
        return all
      throw error
    }
  }
  cut.push(what)
  return all
}
