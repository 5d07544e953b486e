import { z } from 'zod'
import type { CatchUp, CatchUpStore } from '../types.ts'
import { asking, type JiraClient } from './client.ts'
import { FIELDS, onSite } from './facts.ts'
import { arrivalOf } from './receive.ts'
import { Issue, User } from './schema.ts'

/** Webhooks come up to half an hour late (limits.md); whoever looks again finds them under the same ids. */
const OVERLAP_MS = 60_000
const PAGE = 100
const MAX_PAGES = 20

/** Changes of what a ticket says and of whom it is handed to. */
const WORDS: ReadonlySet<string> = new Set(['description', 'summary', 'assignee', 'labels'])

const optional = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined)
const History = z.object({
  id: z.union([z.string(), z.number()]).transform(String),
  created: z.coerce.date(),
  author: optional(User),
  items: z.array(z.looseObject({ field: optional(z.string()) })),
})
const Found = Issue.extend({
  changelog: optional(z.object({ histories: optional(z.array(History)) })),
})
type Found = z.infer<typeof Found>

/**
 * Reads what changed while nobody listened: new tickets, assignments, labels, and comments. Each is stored under the id it
 * would have had, so that what did arrive is not there twice.
 */
export function jiraCatchUp(
  client: JiraClient,
  host: string,
  self: () => Promise<string>,
  store: CatchUpStore,
): CatchUp {
  return {
    source: 'jira',
    async run(since, now) {
      const own = await self()
      const from = since - OVERLAP_MS
      const cut: string[] = []
      const found: string[] = []
      const keep = async (payload: object) => {
        const { id, duplicate } = await store.insert(arrivalOf(payload, Buffer.from(JSON.stringify(payload))))
        if (!duplicate) found.push(id)
      }
      for (const read of await updated(client, Math.ceil((now - from) / 60_000), cut)) {
        const one = onSite(read, host)
        for (const payload of changes(one, from, own)) await keep(payload)
        for (const payload of await comments(client, one, from, own, cut)) await keep(payload)
      }
      return { asked: 0, found, cut }
    },
  }
}

async function updated(client: JiraClient, minutes: number, cut: string[]): Promise<Found[]> {
  const all: Found[] = []
  let nextPageToken: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = await asking(() =>
      client.issueSearch.searchAndReconsileIssuesUsingJqlPost({
        jql: `updated >= "-${minutes}m" ORDER BY updated ASC`,
        fields: [...FIELDS, 'created'],
        expand: 'changelog',
        maxResults: PAGE,
        ...(nextPageToken ? { nextPageToken } : {}),
      }),
    )
    all.push(...z.array(Found).parse(answer.issues ?? []))
    nextPageToken = answer.nextPageToken ?? undefined
    if (!nextPageToken) return all
  }
  cut.push('changed tickets')
  return all
}

/** The webhooks that would have told of a ticket's making and of its changes. */
function changes({ changelog, ...issue }: Found, from: number, own: string): object[] {
  const at = issue.fields?.['created']
  const created = typeof at === 'string' ? Date.parse(at) : Number.NaN
  const wasChanged = (changelog?.histories ?? []).some(({ items }) => items.some(({ field }) => WORDS.has(field ?? '')))
  // What it was when it was made is not told any more where it was changed since: then only the changes are heard.
  const made =
    created >= from && !wasChanged
      ? [
          {
            timestamp: created,
            webhookEvent: 'jira:issue_created',
            user: issue.fields?.creator ?? issue.fields?.reporter,
            issue,
          },
        ]
      : []
  const changed = (changelog?.histories ?? [])
    .filter((one) => one.created.getTime() >= from && one.author?.accountId !== own)
    .filter(({ items }) => items.some(({ field }) => field === 'assignee' || field === 'labels'))
    .map(({ id, created: when, author, items }) => ({
      timestamp: when.getTime(),
      webhookEvent: 'jira:issue_updated',
      user: author,
      issue,
      changelog: { id, items },
    }))
  return [...made, ...changed.toReversed()]
}

async function comments(client: JiraClient, issue: Found, from: number, own: string, cut: string[]): Promise<object[]> {
  const found: object[] = []
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = await asking(() =>
      client.issueComments.getComments({
        issueIdOrKey: issue.id,
        orderBy: '-created',
        startAt: page * PAGE,
        maxResults: PAGE,
      }),
    )
    const all = answer.comments ?? []
    const fresh = all.filter(({ created }) => created !== undefined && created.getTime() >= from)
    // What was edited since may be somebody else's words.
    for (const { id, body, author, updateAuthor, created, updated } of fresh)
      if (author?.accountId !== own && isAsWritten(author, updateAuthor, created, updated))
        found.push({
          timestamp: created?.getTime(),
          webhookEvent: 'comment_created',
          comment: { id, self: `${issue.self}/comment/${id}`, body, author, created: created?.toISOString() },
          issue: { id: issue.id, key: issue.key, self: issue.self },
        })
    if (fresh.length < PAGE || all.length < PAGE) return found.toReversed()
  }
  cut.push(`comments on ${issue.key ?? issue.id}`)
  return found.toReversed()
}

interface Account {
  readonly accountId?: string | undefined
}

function isAsWritten(author?: Account, updateAuthor?: Account, created?: Date, updated?: Date): boolean {
  const sameHand = updateAuthor?.accountId === undefined || updateAuthor.accountId === author?.accountId
  return sameHand && (updated === undefined || created === undefined || updated.getTime() - created.getTime() < 1000)
}
