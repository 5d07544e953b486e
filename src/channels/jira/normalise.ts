import type { Unheard } from '../../core/heard.ts'
import type { Member, Said, SaidWhat, Ticket } from '../../core/said.ts'
import { jsonIn } from '../../core/json.ts'
import { isNewComment, surfaceOf } from './receive.ts'
import { type JiraPayload, Payload } from './schema.ts'
import { markdownOf } from './text.ts'

type Surface = NonNullable<ReturnType<typeof surfaceOf>>
type Issue = NonNullable<JiraPayload['issue']>
type Account = NonNullable<JiraPayload['user']>

/** Reads a stored webhook. Pure; every input has an answer. @param own Muster's own account on the site */
export function normalise(body: Uint8Array, own: string | undefined): Said | Unheard {
  const parsed = Payload.safeParse(jsonIn(body))
  if (!parsed.success)
    return {
      ignored: 'malformed',
      detail: `a webhook without ${parsed.error.issues[0]?.path.join('.') || 'what is needed'}`,
    }
  const payload = parsed.data
  const surface = surfaceOf(payload)
  if (!surface) return { ignored: 'not_for_us', detail: `nothing is done on ${payload.webhookEvent}` }
  const what = read(payload, surface, own)
  if ('ignored' in what) return what
  const author = payload.comment?.author ?? payload.user
  if (!author) return { ignored: 'malformed', detail: `${payload.webhookEvent} without its author` }
  if (own !== undefined && idOf(author) === own) return { ignored: 'own_text', detail: 'written by Muster itself' }
  if (what.type === 'text' && !isOwn(payload))
    return { ignored: 'not_author', detail: 'whoever sent this did not write these words' }
  return {
    kind: payload.webhookEvent,
    surface,
    by: memberOf(surface.site, author),
    writtenAt: payload.timestamp ?? Date.parse(payload.comment?.created ?? ''),
    what,
  }
}

/** Words count as their author's only: a ticket that is moved or imported comes with whoever did that. */
function isOwn({ user, comment, issue }: JiraPayload): boolean {
  const author = idOf(comment?.author ?? issue?.fields?.creator)
  return user === undefined || author === undefined || idOf(user) === author
}

function read(payload: JiraPayload, surface: Surface, own: string | undefined): SaidWhat | Unheard {
  const { webhookEvent, issue, comment } = payload
  if (comment && isNewComment(payload))
    // Cloud tells of a comment without the ticket's description: then the ticket is asked for.
    return words(
      comment,
      issue?.fields && 'description' in issue.fields ? ticketOf(issue, surface, own) : undefined,
      own,
    )
  if (webhookEvent === 'comment_updated') return { ignored: 'edited', detail: 'only what is newly written counts' }
  if (webhookEvent === 'jira:issue_deleted') return { type: 'gone' }
  if (issue && webhookEvent === 'jira:issue_created') return created(issue, surface, own)
  if (issue && webhookEvent === 'jira:issue_updated') return updated(payload, issue, surface, own)
  return { ignored: 'not_for_us', detail: `nothing is done on ${webhookEvent}` }
}

function words(
  comment: NonNullable<JiraPayload['comment']>,
  ticket: Ticket | undefined,
  own: string | undefined,
): SaidWhat {
  const { text, mentioned } = markdownOf(comment.body ?? '', own)
  return { type: 'text', text, messageId: comment.id, mentioned, ticket }
}

function created(issue: Issue, surface: Surface, own: string | undefined): SaidWhat {
  const ticket = ticketOf(issue, surface, own)
  if (own !== undefined && idOf(issue.fields?.assignee) === own) return { type: 'assigned', ticket }
  const { mentioned } = markdownOf(issue.fields?.description ?? '', own)
  const isAsked = mentioned || /^ {0,3}[@/]muster\b/im.test(ticket.body)
  if (ticket.labels.length > 0 && !isAsked) return { type: 'labelled', labels: ticket.labels, ticket }
  return { type: 'text', text: ticket.body, messageId: '', mentioned, ticket }
}

function updated(payload: JiraPayload, issue: Issue, surface: Surface, own: string | undefined): SaidWhat | Unheard {
  const ticket = ticketOf(issue, surface, own)
  const items = payload.changelog?.items ?? []
  const assigned = items.find((item) => item.field === 'assignee')
  // Assignments by rules and in bulk come without a list of changes.
  const bare = items.length === 0 && payload.issue_event_type_name === 'issue_assigned'
  if (assigned || bare) {
    const assignee = assigned?.tmpToAccountId ?? assigned?.to ?? idOf(issue.fields?.assignee)
    return own !== undefined && assignee === own
      ? { type: 'assigned', ticket }
      : { ignored: 'not_for_us', detail: 'somebody else was assigned' }
  }
  const labels = items.find((item) => item.field === 'labels')
  if (labels) {
    const before = new Set((labels.fromString ?? '').split(' '))
    const after: unknown = Object.hasOwn(labels, 'toString') ? Reflect.get(labels, 'toString') : ''
    const added = (typeof after === 'string' ? after : '')
      .split(' ')
      .filter((label) => label !== '' && !before.has(label))
    return { type: 'labelled', labels: added, ticket }
  }
  if (items.some((item) => item.field === 'description'))
    return { ignored: 'edited', detail: 'only what is newly written counts' }
  return { ignored: 'not_for_us', detail: 'nothing that Muster looks at was changed' }
}

export function ticketOf(issue: Issue, surface: Surface, own: string | undefined): Ticket {
  const { fields } = issue
  // Who reports a ticket can be chosen; who made it cannot.
  const author = fields?.creator ?? fields?.reporter
  return {
    title: fields?.summary ?? surface.name,
    body: markdownOf(fields?.description ?? '', own).text,
    projects: [fields?.project?.key ?? surface.name.split('-')[0] ?? ''],
    labels: fields?.labels ?? [],
    url: surface.url ?? '',
    author: author && memberOf(surface.site, author),
  }
}

/** Cloud has account ids, Server keys. */
function idOf(user: Partial<Account> | undefined): string | undefined {
  return user?.accountId ?? user?.key ?? user?.name
}

/** Somebody of a site; with an empty id where Jira does not say who. Customers of a service desk are strangers. */
export function memberOf(site: string, user: Partial<Account>): Member {
  const id = idOf(user) ?? ''
  return {
    channel: 'jira',
    account: site,
    id,
    name: user.displayName ?? user.name ?? id,
    isBot: user.accountType === 'app',
    isStranger: user.accountType === 'customer',
  }
}
