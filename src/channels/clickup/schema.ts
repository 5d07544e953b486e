import { z } from 'zod'

/** The parts of ClickUp's webhooks that are read; whatever else is there is let be. */
const optional = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined)
const Id = z.union([z.string().max(100), z.number()]).transform(String)
const User = z.object({ id: Id, username: optional(z.string()), email: optional(z.string()) })

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
