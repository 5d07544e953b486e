import { z } from 'zod'

/** The parts of ClickUp's webhooks that are read; whatever else is there is let be. */
const optional = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined)
const Id = z.union([z.string().max(100), z.number()]).transform(String)
export const User = z.object({ id: Id, username: optional(z.string()), email: optional(z.string()) })

const Piece = z.looseObject({
  text: optional(z.string()),
  type: optional(z.string()),
  user: optional(z.object({ id: Id })),
  attributes: optional(
    z.looseObject({
      code: z.unknown().optional(),
      'code-block': z.unknown().optional(),
      blockquote: z.unknown().optional(),
    }),
  ),
})

const Item = z.looseObject({
  id: Id,
  date: optional(Id),
  field: optional(z.string()),
  user: optional(User),
  after: z.unknown().optional(),
  comment: optional(
    z.object({ id: Id, text_content: optional(z.string()), comment: optional(z.array(Piece)), user: optional(User) }),
  ),
})

export const Payload = z.object({
  event: z.string().max(100),
  task_id: optional(Id),
  webhook_id: optional(Id),
  history_items: optional(z.array(Item)),
})
export const Tag = z.array(z.object({ name: z.string() }))
export const Assignee = User
export type ClickupPayload = z.infer<typeof Payload>
export type CommentPiece = z.infer<typeof Piece>

/** What ClickUp's API answers, as far as it is read. */
export const Member = z.object({ user: User.extend({ role: optional(z.number()) }) })

export const Comment = z.object({
  id: Id,
  comment: optional(z.array(Piece)),
  comment_text: optional(z.string()),
  user: optional(User),
  date: Id,
})

const Field = z.object({ id: z.string(), name: optional(z.string()), type: optional(z.string()) })

export const TicketTask = z.object({
  id: Id,
  custom_id: optional(z.string()),
  name: z.string(),
  text_content: optional(z.string()),
  description: optional(z.string()),
  markdown_description: optional(z.string()),
  status: optional(z.object({ status: z.string(), type: optional(z.string()) })),
  creator: optional(User),
  assignees: optional(z.array(User)),
  tags: optional(z.array(z.object({ name: z.string() }))),
  url: optional(z.string()),
  date_updated: optional(Id),
  list: optional(z.object({ id: Id })),
  folder: optional(z.object({ id: Id })),
  space: optional(z.object({ id: Id })),
  custom_fields: optional(z.array(Field)),
})
export type ClickupTask = z.infer<typeof TicketTask>

export const List = z.object({
  id: Id,
  statuses: optional(
    z.array(z.object({ status: z.string(), type: optional(z.string()), orderindex: optional(z.number()) })),
  ),
})

export const Webhook = z.object({
  id: z.string(),
  endpoint: z.string(),
  events: z.union([z.array(z.string()), z.string().transform((one) => one.split(','))]),
  health: optional(z.object({ status: optional(z.string()), fail_count: optional(z.number()) })),
})
