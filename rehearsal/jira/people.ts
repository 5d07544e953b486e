import { createHmac, randomUUID } from 'node:crypto'
import { deliverHook } from '../rest.ts'
import { fieldsOf, shownUser } from './shapes.ts'
import { type JiraComment, type JiraUser, type JiraWorld, type Ticket } from './world.ts'

/** What people do in the rehearsal's Jira. Each of it reaches Muster as Jira would tell it: signed, and again when nobody answers. */
export class JiraPeople {
  readonly #world: JiraWorld

  constructor(world: JiraWorld) {
    this.#world = world
    world.onPosted = (ticket, comment) => void this.#posted(world.bot, ticket, comment, textOf(world, comment.body))
  }

  /** Writes a ticket. `@muster` in it is a mention. */
  async create(
    user: JiraUser,
    summary: string,
    description: string,
    extra: { labels?: readonly string[]; assignee?: JiraUser } = {},
  ): Promise<Ticket> {
    const world = this.#world
    const ticket = world.addTicket(summary, user, {
      description: description === '' ? undefined : this.#adf(description),
      labels: [...(extra.labels ?? [])],
      assignee: extra.assignee,
    })
    world.onSeen(nameOf(user), 'wrote the ticket', ticket.key, summary)
    await this.#send('jira:issue_created', user, ticket, { issue_event_type_name: 'issue_created' })
    return ticket
  }

  async comment(user: JiraUser, ticket: Ticket, text: string): Promise<JiraComment> {
    const world = this.#world
    const now = new Date()
    const comment = { id: world.id(), author: user, body: this.#adf(text), properties: [], created: now, updated: now }
    ticket.comments.push(comment)
    ticket.updated = now
    world.onSeen(nameOf(user), 'commented on', ticket.key, text)
    await this.#posted(user, ticket, comment, text)
    return comment
  }

  /** What Muster writes is told to it as well, like everybody's comments. */
  async #posted(user: JiraUser, ticket: Ticket, { id, created }: JiraComment, text: string): Promise<void> {
    const world = this.#world
    await this.#send('comment_created', user, ticket, {
      comment: {
        self: `${world.url}/rest/api/2/issue/${ticket.id}/comment/${id}`,
        id,
        author: shownUser(world, user),
        body: text.replaceAll('@muster', `[~accountid:${world.bot.accountId}]`),
        updateAuthor: shownUser(world, user),
        created: created.toISOString(),
        updated: created.toISOString(),
        jsdPublic: true,
      },
    })
  }

  async assign(user: JiraUser, ticket: Ticket, to: JiraUser | undefined): Promise<void> {
    const before = ticket.assignee
    ticket.assignee = to
    this.#world.onSeen(nameOf(user), 'assigned', ticket.key, `to ${to?.displayName ?? 'nobody'}`)
    await this.#changed(user, ticket, 'issue_assigned', {
      field: 'assignee',
      fieldtype: 'jira',
      fieldId: 'assignee',
      from: before?.accountId ?? null,
      fromString: before?.displayName ?? null,
      to: to?.accountId ?? null,
      toString: to?.displayName ?? null,
      tmpFromAccountId: before?.accountId ?? null,
      tmpToAccountId: to?.accountId ?? null,
    })
  }

  /** Changes what a ticket says. */
  async rewrite(user: JiraUser, ticket: Ticket, text: string): Promise<void> {
    ticket.description = this.#adf(text)
    this.#world.onSeen(nameOf(user), 'changed the words of', ticket.key, text)
    await this.#changed(user, ticket, 'issue_updated', {
      field: 'description',
      fieldtype: 'jira',
      fieldId: 'description',
      from: null,
      fromString: '',
      to: null,
      toString: text,
    })
  }

  async label(user: JiraUser, ticket: Ticket, label: string): Promise<void> {
    const before = ticket.labels.join(' ')
    ticket.labels.push(label)
    await this.#changed(user, ticket, 'issue_updated', {
      field: 'labels',
      fieldtype: 'jira',
      fieldId: 'labels',
      from: null,
      fromString: before,
      to: null,
      toString: ticket.labels.join(' '),
    })
  }

  async remove(user: JiraUser, ticket: Ticket): Promise<void> {
    this.#world.tickets.splice(this.#world.tickets.indexOf(ticket), 1)
    await this.#send('jira:issue_deleted', user, ticket, {})
  }

  async #changed(user: JiraUser, ticket: Ticket, name: string, item: Readonly<Record<string, unknown>>): Promise<void> {
    const { id, items } = this.#world.change(ticket, user, [item])
    await this.#send('jira:issue_updated', user, ticket, { issue_event_type_name: name, changelog: { id, items } })
  }

  async #send(webhookEvent: string, user: JiraUser, ticket: Ticket, extra: object): Promise<void> {
    const world = this.#world
    const isComment = webhookEvent === 'comment_created'
    const fields = fieldsOf(world, ticket)
    const brief = { summary: fields['summary'], project: fields['project'], status: fields['status'] }
    // Webhooks bring wiki markup; what tells of a comment brings hardly anything of the ticket.
    const body = JSON.stringify({
      timestamp: Date.now(),
      webhookEvent,
      ...(isComment ? {} : { user: shownUser(world, user) }),
      issue: {
        id: ticket.id,
        self: `${world.url}/rest/api/2/issue/${ticket.id}`,
        key: ticket.key,
        fields: isComment
          ? brief
          : { ...fields, description: ticket.description ? textOf(world, ticket.description) : null },
      },
      ...extra,
    })
    const identifier = randomUUID()
    const headers = (signature: string, attempt: number) => ({
      'x-hub-signature': `sha256=${signature}`,
      'x-atlassian-webhook-identifier': identifier,
      ...(attempt > 0 ? { 'x-atlassian-webhook-retry': String(attempt) } : {}),
    })
    await Promise.all([
      deliverHook(world.hooksUrl, body, headers, world.secret),
      ...world.dynamic
        .filter(({ expires }) => expires > Date.now())
        .map(({ url }) =>
          deliverHook(
            url,
            body,
            () => ({ authorization: `JWT ${this.#token()}`, 'x-atlassian-webhook-identifier': identifier }),
            world.secret,
          ),
        ),
    ])
  }

  /** What an installed app knows Jira by: a token signed with the app's own secret. */
  #token(): string {
    const { clientId, clientSecret } = this.#world.consent
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const seconds = Math.floor(Date.now() / 1000)
    const body = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ iss: clientId, iat: seconds, exp: seconds + 180 })}`
    return `${body}.${createHmac('sha256', clientSecret).update(body).digest('base64url')}`
  }

  /** What was typed, as the editor keeps it. */
  #adf(text: string) {
    const { accountId, displayName } = this.#world.bot
    const content = text.split('\n').map((line) => ({
      type: 'paragraph',
      content: line
        .split(/(@muster\b)/)
        .filter(Boolean)
        .map((part) =>
          part === '@muster'
            ? { type: 'mention', attrs: { id: accountId, text: `@${displayName}` } }
            : { type: 'text', text: part },
        ),
    }))
    return { version: 1, type: 'doc', content }
  }
}

function nameOf(user: JiraUser): string {
  return user.displayName.toLowerCase()
}

/** A document of the editor as wiki markup, as webhooks bring it. */
export function textOf(world: JiraWorld, node: unknown): string {
  if (typeof node !== 'object' || node === null) return ''
  const type: unknown = Reflect.get(node, 'type')
  const text: unknown = Reflect.get(node, 'text')
  const content: unknown = Reflect.get(node, 'content')
  if (type === 'mention') return `[~accountid:${world.bot.accountId}]`
  const inner = Array.isArray(content) ? content.map((one) => textOf(world, one)).join('') : ''
  return (typeof text === 'string' ? text : inner) + (type === 'paragraph' ? '\n' : '')
}
