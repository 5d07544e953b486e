import type { Unheard } from '../../core/heard.ts'
import type { Member, Said, SaidWhat, Surface } from '../../core/said.ts'
import { jsonIn } from '../../core/json.ts'
import { typeIn } from './receive.ts'
import { readForm, readHome, readShared } from './readviews.ts'
import {
  BlockActions,
  EventCallback,
  Message,
  MessageAction,
  SlashCommand,
  TokensRevoked,
  ViewSubmission,
} from './schema.ts'
import { markdownOf } from './text.ts'

type Event = ReturnType<typeof EventCallback.parse>
type Words = ReturnType<typeof Message.parse>

/**
 * Reads a stored payload. Pure; every input has an answer.
 * @param own Muster's own account in the workspace, for payloads that do not name it
 */
export function normalise(body: Uint8Array, own: readonly string[] = []): Said | Unheard {
  const payload = jsonIn(body)
  const event = EventCallback.safeParse(payload)
  if (event.success) return readEvent(event.data)
  const action = BlockActions.safeParse(payload)
  if (action.success) return readAction(action.data)
  const shortcut = MessageAction.safeParse(payload)
  if (shortcut.success) return readShortcut(shortcut.data, own)
  const slash = SlashCommand.safeParse(payload)
  if (slash.success) return readSlash(slash.data, own)
  const form = ViewSubmission.safeParse(payload)
  if (form.success) return readForm(form.data)
  if (typeof payload !== 'object' || payload === null || !('type' in payload))
    return { ignored: 'malformed', detail: 'the payload is none of Slack' }
  return { ignored: 'unknown_event', detail: `nothing is done on ${typeIn(payload)}` }
}

function readEvent(callback: Event): Said | Unheard {
  const { event } = callback
  if (event.type === 'app_home_opened') return readHome(callback.team_id, event)
  if (event.type === 'link_shared') return readShared(callback.team_id, event)
  if (event.type === 'app_uninstalled')
    return { ignored: 'uninstalled', detail: 'the app was removed from the workspace' }
  const revoked = TokensRevoked.safeParse(event)
  if (revoked.success && (revoked.data.tokens.bot ?? []).length > 0)
    return { ignored: 'uninstalled', detail: "the app's token was revoked" }
  if (event.type !== 'message' && event.type !== 'app_mention')
    return { ignored: 'not_for_us', detail: `nothing is done on ${event.type.slice(0, 60)}` }
  const message = Message.safeParse(event)
  if (!message.success)
    return {
      ignored: 'malformed',
      detail: `${event.type} without ${message.error.issues[0]?.path.join('.') ?? 'what is needed'}`,
    }
  return readMessage(callback, message.data)
}

function readMessage(callback: Event, message: Words): Said | Unheard {
  const { subtype } = message
  // The first message of a thread with replies leaves a tombstone.
  const changed = subtype === 'message_changed' ? message.message : undefined
  if (changed?.subtype === 'tombstone' && changed.ts && (changed.thread_ts ?? changed.ts) === changed.ts)
    return gone(callback, message, changed.ts)
  if (subtype === 'message_changed' || message.edited !== undefined)
    return { ignored: 'edited', detail: 'only what is newly written counts' }
  if (subtype === 'message_deleted')
    return message.deleted_ts && message.previous_message?.ts === message.deleted_ts
      ? gone(callback, message, message.deleted_ts)
      : { ignored: 'not_for_us', detail: 'a message was deleted' }
  if (subtype && subtype !== 'bot_message' && subtype !== 'thread_broadcast' && subtype !== 'file_share')
    return { ignored: 'not_for_us', detail: `nothing is done on message.${subtype.slice(0, 60)}` }
  const own = ownIds(callback)
  const { text, mentioned } = markdownOf(message.text ?? '', own)
  return {
    kind: `slack.${message.type}`,
    surface: surfaceOf(callback.team_id, message.channel, message.thread_ts ?? message.ts),
    by: memberOf(callback.team_id, message),
    writtenAt: timeOf(message.ts),
    what: {
      type: 'text',
      text,
      messageId: message.ts,
      mentioned: mentioned || message.type === 'app_mention' || message.channel_type === 'im',
      ticket: undefined,
    },
  }
}

function gone({ team_id }: Event, message: Words, thread: string): Said {
  return {
    kind: 'slack.message_deleted',
    surface: surfaceOf(team_id, message.channel, thread),
    by: memberOf(team_id, message),
    writtenAt: timeOf(message.ts),
    what: { type: 'gone' },
  }
}

/** Muster's own accounts in this workspace, as Slack names whom the event was delivered for. */
function ownIds({ authorizations = [], authed_users = [] }: Event): readonly string[] {
  return [...authorizations.filter((one) => one.is_bot).flatMap((one) => one.user_id ?? []), ...authed_users]
}

function surfaceOf(team: string, room: string, thread: string): Surface {
  return { channel: 'slack', team, room, thread }
}

/** Times of Slack's messages are seconds with six digits behind the point. */
function timeOf(ts: string | undefined): number {
  return ts !== undefined && /^\d+\.\d+$/.test(ts) ? Math.floor(Number(ts) * 1000) : Number.NaN
}

function memberOf(team: string, message: Words): Member {
  const home = message.user_team ?? message.source_team ?? message.team ?? team
  return {
    channel: 'slack',
    account: home,
    id: message.user ?? message.bot_id ?? '',
    name: message.user ?? message.bot_id ?? 'somebody',
    isBot: message.bot_id !== undefined || message.subtype === 'bot_message' || message.user === undefined,
    isStranger: home !== team,
  }
}

function personOf(
  team: string,
  user: { id: string; name?: string | undefined; username?: string | undefined; team_id?: string | undefined },
): Member {
  const home = user.team_id ?? team
  const name = user.name ?? user.username ?? user.id
  return { channel: 'slack', account: home, id: user.id, name, isBot: false, isStranger: home !== team }
}

function readAction(action: ReturnType<typeof BlockActions.parse>): Said | Unheard {
  const team = action.team?.id ?? action.user.team_id
  const room = action.channel?.id ?? action.container?.channel_id
  const messageId = action.message?.ts ?? action.container?.message_ts
  const [pressed] = action.actions
  if (!team || !room || !messageId || !pressed)
    return { ignored: 'not_for_us', detail: 'an action that belongs to no message' }
  if (!pressed.action_id.startsWith('muster:'))
    return { ignored: 'not_for_us', detail: `the action is "${pressed.action_id.slice(0, 60)}"` }
  const aside = action.container?.is_ephemeral === true && action.message?.thread_ts === undefined
  const thread = aside
    ? asideThread(action.user.id, action.trigger_id ?? messageId)
    : (action.message?.thread_ts ?? messageId)
  return {
    kind: 'slack.button',
    surface: aside ? asideOf(team, room, thread, action.response_url) : surfaceOf(team, room, thread),
    by: personOf(team, action.user),
    writtenAt: timeOf(pressed.action_ts),
    what: pressedWhat(
      pressed.action_id.slice('muster:'.length),
      pressed.value ?? '',
      messageId,
      action.trigger_id ?? '',
    ),
  }
}

/** Some buttons decide, some open a form, some choose. Those of a row have a number behind their name. */
function pressedWhat(id: string, value: string, messageId: string, trigger: string): SaidWhat {
  const [action = ''] = id.split(':')
  if (action === 'answer') return { type: 'form', form: 'answer', trigger, value }
  if (action === 'choose') return { type: 'form', form: 'repository', trigger, value }
  if (action !== 'repository') return { type: 'button', action, value, messageId }
  const [event = '', repository = ''] = value.split(' ')
  return { type: 'chosen', repository, event }
}

/** What stands in no thread is told to its author alone. */
function asideThread(user: string, trigger: string): string {
  return `command:${user}:${trigger}`
}

function asideOf(team: string, room: string, thread: string, respond: string | undefined): Surface {
  return { channel: 'slack', team, room, thread, ...(respond === undefined ? {} : { respond }) }
}

/** "Hand to Muster" on a message: what it says is a request, and never a command. */
function readShortcut(shortcut: ReturnType<typeof MessageAction.parse>, own: readonly string[]): Said | Unheard {
  const { callback_id, team, channel, message, user } = shortcut
  if (callback_id !== 'muster:hand')
    return { ignored: 'not_for_us', detail: `the shortcut is "${callback_id.slice(0, 60)}"` }
  return {
    kind: 'slack.shortcut',
    surface: surfaceOf(team.id, channel.id, message.thread_ts ?? message.ts),
    by: personOf(team.id, user),
    ...(message.user === undefined || message.user === user.id
      ? {}
      : { author: personOf(team.id, { id: message.user }) }),
    writtenAt: timeOf(message.ts),
    what: {
      type: 'text',
      text: `@muster ${withoutName(markdownOf(message.text ?? '', own).text)}`,
      messageId: message.ts,
      mentioned: true,
      ticket: undefined,
      handed: true,
    },
  }
}

/** Words that were said to Muster in the first place keep its name once. */
function withoutName(words: string): string {
  return words.replace(/^\s*@muster\b[,:]?\s*/i, '')
}

/** `/muster …` is said in no thread; its words begin one. Slack writes people, channels and addresses in it as in messages. */
function readSlash(slash: ReturnType<typeof SlashCommand.parse>, own: readonly string[]): Said | Unheard {
  const { command, team_id, channel_id, user_id, user_name, text = '', trigger_id = '', response_url } = slash
  if (command !== '/muster') return { ignored: 'not_for_us', detail: `the command is "${command.slice(0, 60)}"` }
  return {
    kind: 'slack.command',
    surface: asideOf(team_id, channel_id, asideThread(user_id, trigger_id), response_url),
    by: personOf(team_id, { id: user_id, name: user_name }),
    writtenAt: Number(/^(\d{13})\b/.exec(trigger_id)?.[1] ?? Number.NaN),
    what: {
      type: 'text',
      text: `@muster ${withoutName(markdownOf(text, own).text)}`,
      messageId: '',
      mentioned: true,
      ticket: undefined,
    },
  }
}
