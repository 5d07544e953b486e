import { deliverHook } from '../rest.ts'
import { shownUser } from './shapes.ts'
import {
  type ClickupComment,
  type ClickupTicket,
  type ClickupUser,
  type ClickupWorld,
  type Piece,
  STATUSES,
} from './world.ts'

/** What people do in the rehearsal's ClickUp. Each of it reaches Muster as ClickUp would tell it: signed, a few times, and then never again. */
export class ClickupPeople {
  readonly #world: ClickupWorld

  constructor(world: ClickupWorld) {
    this.#world = world
    world.onPosted = (ticket, comment) => void this.#posted(world.bot, ticket, comment)
  }

  async create(user: ClickupUser, name: string, description: string): Promise<ClickupTicket> {
    const world = this.#world
    const now = Date.now()
    const [first] = STATUSES
    if (!first) throw new Error('no status')
    const ticket: ClickupTicket = {
      id: `86r${(world.tickets.length + 1).toString(36).padStart(4, '0')}`,
      name,
      description,
      creator: user,
      assignees: [],
      tags: [],
      status: first,
      comments: [],
      fields: new Map(),
      created: now,
      updated: now,
    }
    world.tickets.push(ticket)
    await this.#send('taskCreated', ticket, user, { field: 'task_creation', before: null, after: null })
    return ticket
  }

  async comment(user: ClickupUser, ticket: ClickupTicket, text: string): Promise<ClickupComment> {
    const world = this.#world
    const pieces = text
      .split(/(@muster\b)/)
      .filter(Boolean)
      .map(
        (part): Piece =>
          part === '@muster' ? { type: 'tag', text: '@Muster', user: { id: world.bot.id } } : { text: part },
      )
    const comment = { id: world.id(), user, comment: [...pieces, { text: '\n' }], text, date: Date.now(), edits: 0 }
    ticket.comments.push(comment)
    ticket.updated = comment.date
    await this.#posted(user, ticket, comment)
    return comment
  }

  async assign(user: ClickupUser, ticket: ClickupTicket, to: ClickupUser): Promise<void> {
    ticket.assignees.push(to)
    ticket.updated = Date.now()
    await this.#send('taskAssigneeUpdated', ticket, user, { field: 'assignee_add', before: null, after: shownUser(to) })
  }

  async tag(user: ClickupUser, ticket: ClickupTicket, name: string): Promise<void> {
    ticket.tags.push(name)
    ticket.updated = Date.now()
    await this.#send('taskTagUpdated', ticket, user, {
      field: 'tag',
      before: null,
      after: [{ name, tag_fg: '#fff', tag_bg: '#000', creator: user.id }],
    })
  }

  async remove(ticket: ClickupTicket): Promise<void> {
    this.#world.tickets.splice(this.#world.tickets.indexOf(ticket), 1)
    await this.#deliver({ event: 'taskDeleted', task_id: ticket.id })
  }

  async #send(event: string, ticket: ClickupTicket, user: ClickupUser, item: object): Promise<void> {
    const base = {
      id: this.#world.id(),
      type: 1,
      date: String(Date.now()),
      parent_id: this.#world.list.id,
      user: shownUser(user),
    }
    await this.#deliver({ event, task_id: ticket.id, history_items: [{ ...base, ...item }] })
  }

  /** What Muster writes is told to it as well, like everybody's comments. */
  async #posted(user: ClickupUser, ticket: ClickupTicket, comment: ClickupComment): Promise<void> {
    const { id, date, text } = comment
    await this.#send('taskCommentPosted', ticket, user, {
      field: 'comment',
      before: null,
      after: id,
      comment: {
        id,
        date: String(date),
        parent: ticket.id,
        type: 1,
        comment: comment.comment,
        text_content: `${text}\n`,
        user: shownUser(user),
      },
    })
  }

  async #deliver(payload: {
    readonly event: string
    readonly task_id: string
    readonly history_items?: readonly object[]
  }): Promise<void> {
    const world = this.#world
    for (const hook of world.hooks) {
      if (hook.status === 'suspended' || !(hook.events.includes('*') || hook.events.includes(payload.event))) continue
      const body = JSON.stringify({ ...payload, webhook_id: hook.id })
      const ok = await deliverHook(hook.endpoint, body, (signature) => ({ 'x-signature': signature }), hook.secret)
      if (!ok && ++hook.failCount >= world.suspendAfter) hook.status = 'suspended'
    }
  }
}
