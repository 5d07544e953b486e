import { z } from 'zod'

/** The parts of Jira's webhooks that are read, of Cloud and of Server; whatever else is there is let be. */
const optional = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined)
/** Text as wiki markup, or as a document (ADF). */
const Words = optional(z.union([z.string(), z.looseObject({ type: z.string() })]))

export const User = z.object({
  accountId: optional(z.string()),
  key: optional(z.string()),
  name: optional(z.string()),
  displayName: optional(z.string()),
  emailAddress: optional(z.string()),
  accountType: optional(z.string()),
})

export const Issue = z.object({
  id: z.string().regex(/^\d{1,20}$/),
  key: optional(z.string().max(300)),
  self: z.string(),
  fields: z
    .looseObject({
      summary: optional(z.string()),
      description: Words,
      labels: optional(z.array(z.string())),
      assignee: optional(User),
      reporter: optional(User),
      creator: optional(User),
      project: optional(z.object({ key: optional(z.string()) })),
    })
    .optional(),
})

export const Payload = z.object({
  timestamp: optional(z.number()),
  webhookEvent: z.string().max(100),
  issue_event_type_name: optional(z.string()),
  user: optional(User),
  issue: optional(Issue),
  comment: optional(
    z.object({
      id: z.string().regex(/^\d{1,20}$/),
      self: z.string(),
      body: Words,
      author: optional(User),
      created: optional(z.string()),
      updated: optional(z.string()),
    }),
  ),
  changelog: optional(
    z.object({
      id: optional(z.union([z.string().max(40), z.number()]).transform(String)),
      items: z.array(
        // `toString` is not named here: every object has one.
        z.looseObject({
          field: z.string(),
          fromString: optional(z.string()),
          to: optional(z.string()),
          tmpToAccountId: optional(z.string()),
        }),
      ),
    }),
  ),
})
export type JiraPayload = z.infer<typeof Payload>

/** What is read of a ticket that is split. */
export const Subtasks = z.object({
  fields: z.looseObject({
    project: z.looseObject({ id: z.string() }),
    subtasks: z.array(z.looseObject({ fields: z.looseObject({ summary: z.string() }) })).default([]),
  }),
})

/** A page of what was changed on a ticket. */
export const Changes = z.object({
  isLast: optional(z.boolean()),
  values: z.array(
    z.looseObject({ author: optional(User), items: z.array(z.looseObject({ field: optional(z.string()) })) }),
  ),
})

/** The web links of a ticket. */
export const RemoteLinks = z.array(z.looseObject({ object: optional(z.looseObject({ url: optional(z.string()) })) }))
