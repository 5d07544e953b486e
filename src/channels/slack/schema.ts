import { z } from 'zod'

/** The parts of Slack's payloads that are read; whatever else is there is let be. Ids are opaque. */
const Id = z.string().min(1).max(64)
const Text = z.string().max(100_000)
const optional = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined)

export const Message = z.object({
  type: z.enum(['app_mention', 'message']),
  subtype: optional(z.string()),
  text: optional(Text),
  user: optional(Id),
  bot_id: optional(Id),
  app_id: optional(Id),
  team: optional(Id),
  user_team: optional(Id),
  source_team: optional(Id),
  channel: Id,
  channel_type: optional(z.string()),
  ts: Id,
  thread_ts: optional(Id),
  edited: optional(z.unknown()),
  deleted_ts: optional(Id),
  previous_message: optional(z.object({ ts: optional(Id) })),
  message: optional(z.looseObject({ ts: optional(Id), subtype: optional(z.string()), thread_ts: optional(Id) })),
})

export const EventCallback = z.object({
  type: z.literal('event_callback'),
  team_id: Id,
  api_app_id: optional(Id),
  event_id: Id,
  event_time: optional(z.number()),
  event: z.looseObject({ type: z.string().max(100) }),
  authorizations: optional(z.array(z.object({ user_id: optional(Id), is_bot: optional(z.boolean()) }))),
  authed_users: optional(z.array(Id)),
  is_ext_shared_channel: optional(z.boolean()),
})

const User = z.object({ id: Id, name: optional(Text), username: optional(Text), team_id: optional(Id) })

export const BlockActions = z.object({
  type: z.literal('block_actions'),
  team: optional(z.object({ id: Id })),
  user: User,
  trigger_id: optional(Id),
  response_url: optional(Text),
  container: optional(
    z.looseObject({
      type: optional(z.string()),
      message_ts: optional(Id),
      channel_id: optional(Id),
      is_ephemeral: optional(z.boolean()),
    }),
  ),
  channel: optional(z.object({ id: Id })),
  message: optional(z.object({ ts: optional(Id), thread_ts: optional(Id) })),
  actions: z.array(
    z.object({ action_id: z.string(), value: optional(Text), action_ts: optional(Id), type: optional(z.string()) }),
  ),
})

export const MessageAction = z.object({
  type: z.literal('message_action'),
  callback_id: z.string(),
  team: z.object({ id: Id }),
  user: User,
  channel: z.object({ id: Id }),
  trigger_id: optional(Id),
  message: z.object({ ts: Id, thread_ts: optional(Id), text: optional(Text), user: optional(Id) }),
})

export const SlashCommand = z.object({
  command: z.string(),
  team_id: Id,
  channel_id: Id,
  user_id: Id,
  user_name: optional(Text),
  text: optional(Text),
  trigger_id: optional(Id),
  response_url: optional(Text),
})

/** A form that was sent. */
export const ViewSubmission = z.object({
  type: z.literal('view_submission'),
  team: optional(z.object({ id: Id })),
  user: User,
  view: z.object({
    id: Id,
    callback_id: optional(z.string()),
    private_metadata: optional(Text),
    state: optional(
      z.object({
        values: z.record(
          z.string(),
          z.record(
            z.string(),
            z.looseObject({ value: optional(Text), selected_option: optional(z.object({ value: Text })) }),
          ),
        ),
      }),
    ),
    blocks: optional(
      z.array(z.looseObject({ block_id: optional(z.string()), label: optional(z.object({ text: Text })) })),
    ),
  }),
})

/** What a form of ours remembers: where it belongs. Nobody but our own app can write it. */
export const FormMemory = z.object({ room: Id, thread: Id, event: optional(Id) })

/** Tokens of the app are good no more: those of people, and those of its bots. */
export const TokensRevoked = z.object({
  type: z.literal('tokens_revoked'),
  tokens: z.object({ oauth: optional(z.array(z.string())), bot: optional(z.array(z.string())) }),
})

/** Somebody opened one of Muster's tabs. */
export const HomeOpened = z.object({ type: z.literal('app_home_opened'), user: Id, tab: optional(z.string()) })

/** Somebody shared addresses of the app's own domains. */
export const LinkShared = z.object({
  type: z.literal('link_shared'),
  user: Id,
  channel: Id,
  message_ts: Id,
  thread_ts: optional(Id),
  links: z.array(z.object({ url: z.string().max(4000) })).max(50),
})
