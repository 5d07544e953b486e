import { randomBytes } from 'node:crypto'
import { Consent } from '../consent.ts'

/** The state of the rehearsal's Jira: one site with one project, its people, tickets and what hangs on them. */
export interface JiraUser {
  readonly accountId: string
  readonly displayName: string
  readonly emailAddress: string
  readonly accountType: 'atlassian' | 'app' | 'customer'
}

export interface Status {
  readonly id: string
  readonly name: string
  readonly category: 'new' | 'indeterminate' | 'done'
}

export interface JiraComment {
  readonly id: string
  readonly author: JiraUser
  body: unknown
  readonly properties: { key: string; value: unknown }[]
  readonly created: Date
  updated: Date
}

export interface RemoteLink {
  readonly id: number
  globalId: string
  relationship: string
  object: {
    readonly url: string
    readonly title: string
    readonly status?: { readonly resolved?: boolean | undefined } | undefined
  }
}

export interface Change {
  readonly id: string
  readonly author: JiraUser
  readonly created: Date
  readonly items: readonly Readonly<Record<string, unknown>>[]
}

export interface Ticket {
  readonly id: string
  readonly key: string
  summary: string
  description: unknown
  labels: string[]
  assignee: JiraUser | undefined
  readonly reporter: JiraUser
  status: Status
  readonly created: Date
  updated: Date
  /** The ticket that this one is a part of. */
  readonly parent: Ticket | undefined
  readonly comments: JiraComment[]
  readonly links: RemoteLink[]
  readonly changes: Change[]
}

/** A workflow as a team may have made it, in words of its own: what counts is the category. */
export const STATUSES: readonly Status[] = [
  { id: '10000', name: 'Backlog', category: 'new' },
  { id: '10001', name: 'Being built', category: 'indeterminate' },
  { id: '10002', name: 'Shipped', category: 'done' },
]

export class JiraWorld {
  readonly project = { id: '10100', key: 'SHOP', name: 'Shop' }
  readonly users: JiraUser[] = []
  readonly tickets: Ticket[] = []
  readonly token = `ATATT${randomBytes(18).toString('hex')}`
  readonly secret = randomBytes(16).toString('hex')
  readonly bot = this.addUser('muster', 'atlassian')
  readonly cloudId = '11223344-a1b2-4b33-c444-def123456789'
  /** Where the site's own webhook is delivered to; empty: there is none. */
  hooksUrl = ''
  /** Webhooks that an installed app registered: they carry its token, and run out. */
  readonly dynamic: { readonly id: number; readonly url: string; expires: number }[] = []
  /** Installing by consent. */
  readonly consent = new Consent()
  url = ''
  /** For so long what is new is missing in lists (ms), for faults. */
  hiddenMs = 0
  /** Told of everything that people see: who, what, where, and the words. */
  onSeen: (who: string, what: string, where: string, text: string) => void = () => {}
  /** Told of what Muster writes. */
  onPosted: (ticket: Ticket, comment: JiraComment) => void = () => {}
  #ids = 20_000

  addUser(name: string, accountType: JiraUser['accountType'] = 'atlassian'): JiraUser {
    const user = {
      accountId: `5b10a2844c20165700${name.padEnd(6, '0')}`,
      displayName: name.charAt(0).toUpperCase() + name.slice(1),
      emailAddress: `${name}@acme.example`,
      accountType,
    }
    this.users.push(user)
    return user
  }

  id(): string {
    return String(++this.#ids)
  }

  ticket(idOrKey: string): Ticket | undefined {
    return this.tickets.find((one) => one.id === idOrKey || one.key === idOrKey.toUpperCase())
  }

  /** A new ticket; what is not given is as nobody has touched it. */
  addTicket(summary: string, reporter: JiraUser, extra: Partial<Ticket> = {}): Ticket {
    const [backlog] = STATUSES
    if (!backlog) throw new Error('no status')
    const now = new Date()
    const ticket: Ticket = {
      id: this.id(),
      key: `${this.project.key}-${this.tickets.length + 1}`,
      summary,
      description: undefined,
      labels: [],
      assignee: undefined,
      reporter,
      status: backlog,
      created: now,
      updated: now,
      parent: undefined,
      comments: [],
      links: [],
      changes: [],
      ...extra,
    }
    this.tickets.push(ticket)
    return ticket
  }

  change(ticket: Ticket, author: JiraUser, items: readonly Readonly<Record<string, unknown>>[]): Change {
    const change = { id: this.id(), author, created: new Date(), items }
    ticket.changes.push(change)
    ticket.updated = new Date()
    return change
  }
}
