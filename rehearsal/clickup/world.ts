import { randomBytes } from 'node:crypto'
import { Consent } from '../consent.ts'

/** The state of the rehearsal's ClickUp: one workspace with one list, its people, tasks and webhooks. */
export interface ClickupUser {
  readonly id: number
  readonly username: string
  readonly email: string
  /** 1 owner, 2 admin, 3 member, 4 guest. */
  readonly role: number
}

export interface ClickupStatus {
  readonly id: string
  readonly status: string
  readonly type: 'open' | 'custom' | 'done' | 'closed'
  readonly orderindex: number
  readonly color: string
}

export interface Piece {
  readonly text: string
  readonly type?: string
  readonly user?: { readonly id: number }
  readonly attributes?: Readonly<Record<string, unknown>>
}

export interface ClickupComment {
  readonly id: string
  readonly user: ClickupUser
  comment: readonly Piece[]
  text: string
  readonly date: number
  edits: number
}

export interface ClickupTicket {
  readonly id: string
  name: string
  description: string
  readonly creator: ClickupUser
  assignees: ClickupUser[]
  tags: string[]
  status: ClickupStatus
  readonly comments: ClickupComment[]
  readonly fields: Map<string, string>
  readonly created: number
  updated: number
}

export interface ClickupHook {
  readonly id: string
  endpoint: string
  readonly events: readonly string[]
  failCount: number
  status: 'active' | 'suspended'
  /** What its deliveries are signed with. */
  readonly secret: string
}

/** A list's statuses in a team's own words: what counts is the type. */
export const STATUSES: readonly ClickupStatus[] = [
  { id: 'st1', status: 'ideas', type: 'open', orderindex: 0, color: '#87909e' },
  { id: 'st2', status: 'ready to take', type: 'custom', orderindex: 1, color: '#f8ae00' },
  { id: 'st3', status: 'in progress', type: 'custom', orderindex: 2, color: '#1090e0' },
  { id: 'st4', status: 'shipped', type: 'closed', orderindex: 3, color: '#008844' },
]

export const PULL_FIELD = { id: '0a1b2c3d-0000-4000-8000-000000000001', name: 'Pull request', type: 'url' } as const

export class ClickupWorld {
  readonly team = { id: '9018000001', name: 'Acme' }
  readonly space = { id: '90180001', name: 'Shop' }
  readonly folder = { id: '901800011', name: 'hidden' }
  readonly list = { id: '901800000012', name: 'Price service' }
  readonly users: ClickupUser[] = []
  readonly tickets: ClickupTicket[] = []
  readonly hooks: ClickupHook[] = []
  readonly token = `pk_${randomBytes(16).toString('hex').toUpperCase()}`
  readonly secret = randomBytes(24).toString('hex')
  readonly bot = this.addUser('muster')
  /** After so many failed events a webhook is suspended (limits.md: 100). */
  suspendAfter = 100
  /** Installing by consent. */
  readonly consent = new Consent()
  url = ''
  /** For so long what is new is missing in lists (ms), for faults. */
  hiddenMs = 0
  /** Told of what Muster writes. */
  onPosted: (ticket: ClickupTicket, comment: ClickupComment) => void = () => {}
  #ids = 90_000_000

  addUser(name: string, role = 3): ClickupUser {
    const user = {
      id: 7_000_000 + this.users.length + 1,
      username: name.charAt(0).toUpperCase() + name.slice(1),
      email: `${name}@acme.example`,
      role,
    }
    this.users.push(user)
    return user
  }

  id(): string {
    return String(++this.#ids)
  }

  ticket(id: string): ClickupTicket | undefined {
    return this.tickets.find((one) => one.id === id)
  }
}
