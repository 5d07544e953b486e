import { z } from 'zod'
import { refusalOf } from './limits.ts'
import { Id, type Method, mustBeIn, mustFind, Post, read, Refused } from './method.ts'
import { VIEW_METHODS } from './api-views.ts'
import { wordsIn } from './words.ts'
import type { SlackMessage, SlackWorld } from './world.ts'

/** Slack's Web API, as far as Muster uses it. */
export const METHODS: Readonly<Record<string, Method>> = {
  ...VIEW_METHODS,
  'auth.test': ({ team, bot, url }) => ({
    ok: true,
    url: `${url}/`,
    team: team.name,
    team_id: team.id,
    user_id: bot.id,
    bot_id: bot.botId,
    user: bot.name,
  }),
  'chat.postMessage'(world, args) {
    const { channel, text = '', blocks = [], thread_ts, metadata } = read(Post, args)
    mustBeIn(world, channel)
    if (thread_ts !== undefined && !world.find(channel, thread_ts)) throw new Refused('thread_not_found')
    if (text === '' && blocks.length === 0) throw new Refused('no_text')
    const refusal = refusalOf(blocks, text)
    if (refusal) throw new Refused(refusal)
    const message = world.add({ channel, thread: thread_ts, user: world.bot.id, byApp: true, text, blocks, metadata })
    world.onSeen('muster[bot]', 'wrote in', `#${world.channels.get(channel)}`, world.named(wordsIn(blocks)) || text)
    return { ok: true, channel, ts: message.ts, message: { text, ts: message.ts } }
  },
  'chat.update'(world, args) {
    const { channel, ts, text = '', blocks = [], metadata } = read(Post.extend({ ts: Id }), args)
    const message = mustFind(world, channel, ts)
    if (!message.byApp) throw new Refused('cant_update_message')
    const refusal = refusalOf(blocks, text)
    if (refusal) throw new Refused(refusal)
    world.onSeen('muster[bot]', 'edited', `#${world.channels.get(channel)}`, world.named(wordsIn(blocks)))
    Object.assign(message, { text, blocks, metadata: metadata ?? message.metadata, edits: message.edits + 1 })
    return { ok: true, channel, ts }
  },
  'chat.postEphemeral'(world, args) {
    const { channel, user, text = '', blocks = [] } = read(Post.extend({ user: Id }), args)
    mustBeIn(world, channel)
    if (!world.users.some((one) => one.id === user)) throw new Refused('user_not_in_channel')
    return { ok: true, message_ts: tell(world, channel, user, text, blocks) }
  },
  'chat.getPermalink'(world, args) {
    const { channel, message_ts: ts } = read(z.object({ channel: Id, message_ts: Id }), args)
    mustFind(world, channel, ts)
    return { ok: true, channel, permalink: `${world.url}/archives/${channel}/p${ts.replace('.', '')}` }
  },
  'reactions.add'(world, args) {
    const { channel, timestamp, name } = read(z.object({ channel: Id, timestamp: Id, name: Id }), args)
    const message = mustFind(world, channel, timestamp)
    if (message.reactions.includes(name)) throw new Refused('already_reacted')
    message.reactions.push(name)
    return { ok: true }
  },
  'reactions.remove'(world, args) {
    const { channel, timestamp, name } = read(z.object({ channel: Id, timestamp: Id, name: Id }), args)
    const { reactions } = mustFind(world, channel, timestamp)
    if (!reactions.includes(name)) throw new Refused('no_reaction')
    reactions.splice(reactions.indexOf(name), 1)
    return { ok: true }
  },
  'conversations.replies'(world, args) {
    const {
      channel,
      ts,
      include_all_metadata: all,
      oldest = '0',
      latest = '9999999999',
    } = read(
      z.object({
        channel: Id,
        ts: Id,
        latest: z.string().optional(),
        include_all_metadata: z.union([z.boolean(), z.string()]).optional(),
        oldest: z.string().optional(),
      }),
      args,
    )
    if (!world.find(channel, ts)) throw new Refused('thread_not_found')
    return {
      ok: true,
      has_more: false,
      messages: world
        .thread(channel, ts)
        .filter((one) => one.ts === ts || Number(one.ts) > Number(oldest))
        .filter((one) => one.ts === ts || Number(one.ts) <= Number(latest))
        .filter((one) => one.ts === ts || Number(one.ts) * 1000 <= Date.now() - world.hiddenMs)
        .map((one) => shown(world, one, String(all) === 'true')),
    }
  },
  'conversations.history'(world, args) {
    const {
      channel,
      oldest = '0',
      include_all_metadata: all,
    } = read(
      z.object({
        channel: Id,
        oldest: z.string().optional(),
        include_all_metadata: z.union([z.boolean(), z.string()]).optional(),
      }),
      args,
    )
    mustBeIn(world, channel)
    const roots = world.messages.filter(
      (one) => one.channel === channel && one.thread === undefined && Number(one.ts) > Number(oldest),
    )
    return {
      ok: true,
      has_more: false,
      messages: roots.toReversed().map((one) => shown(world, one, String(all) === 'true')),
    }
  },
  'users.conversations': ({ channels, foreign }) => ({
    ok: true,
    channels: [...channels].filter(([id]) => !foreign.has(id)).map(([id, name]) => ({ id, name })),
  }),
  'users.info'(world, args) {
    const { user: id } = read(z.object({ user: Id }), args)
    const user = world.users.find((one) => one.id === id)
    if (!user) throw new Refused('user_not_found')
    return {
      ok: true,
      user: {
        id: user.id,
        team_id: user.homeTeam,
        name: user.name,
        real_name: user.realName,
        deleted: false,
        is_bot: false,
        is_restricted: user.isGuest,
        is_ultra_restricted: false,
        is_stranger: user.homeTeam !== world.team.id,
      },
    }
  },
}

/** What only one person sees. */
export function tell(world: SlackWorld, channel: string, user: string, text: string, blocks: unknown[]): string {
  const refusal = refusalOf(blocks, text)
  if (refusal) throw new Refused(refusal)
  const ts = world.ts()
  world.whispers.push({ ts, channel, user, text, blocks })
  world.onSeen(
    'muster[bot]',
    `told only ${world.nameOf(user)} in`,
    `#${world.channels.get(channel)}`,
    world.named(wordsIn(blocks)) || text,
  )
  return ts
}

/** A message as the API gives it back. */
function shown(world: SlackWorld, one: SlackMessage, withMetadata: boolean) {
  return {
    type: 'message',
    ts: one.ts,
    user: one.user,
    text: one.text,
    ...(one.byApp ? { bot_id: world.bot.botId, app_id: world.bot.appId, blocks: one.blocks } : {}),
    ...(one.thread ? { thread_ts: one.thread } : {}),
    ...(withMetadata && one.metadata ? { metadata: one.metadata } : {}),
    ...(one.files.length > 0
      ? { files: one.files.map(({ id, name, title, mimetype }) => ({ id, name, title, mimetype })) }
      : {}),
    ...(one.attachments ? { attachments: one.attachments } : {}),
  }
}
